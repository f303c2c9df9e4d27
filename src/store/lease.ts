import Database from 'better-sqlite3'
import { closeSync, fchownSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** A file that one holder at a time has, among all threads and processes that can reach it. */
export type Lease = {
  /** Of two calls only the first does something. */
  readonly release: () => void
}

/**
 * Takes the file for itself, made when missing (0600, in a folder that is there); undefined when another one has it. The system drops it
 * when the process ends, however it ends; unlike a process id it cannot be taken over by a stranger, and it holds across containers that
 * share the folder.
 */
export function takeLease(path: string): Lease | undefined {
  makeFile(path)
  // The lock is SQLite's own on an empty database: the same on every system, and shared rightly between threads.
  const lock = new Database(path, { timeout: 0 })
  try {
    // Otherwise it writes a journal for the empty database, which a full disk has no room for.
    lock.pragma('journal_mode = MEMORY')
    lock.exec('BEGIN EXCLUSIVE')
    return { release: () => void lock.close() }
  } catch (thrown) {
    lock.close()
    if (thrown instanceof Database.SqliteError && thrown.code.startsWith('SQLITE_BUSY')) return undefined
    throw thrown
  }
}

// Only when there is none: closing a file drops all locks that this process has on it (POSIX, fcntl).
function makeFile(path: string): void {
  try {
    const file = openSync(path, 'wx', 0o600)
    try {
      leaveToOwner(file, path)
    } finally {
      closeSync(file)
    }
  } catch (thrown) {
    if (!(thrown instanceof Error) || !('code' in thrown) || thrown.code !== 'EEXIST') throw thrown
  }
}

/** Gives what root makes to whose folder it is in, as SQLite does beside its databases: others could never open it. */
function leaveToOwner(file: number, path: string): void {
  if (process.geteuid?.() !== 0) return
  const { uid, gid } = statSync(dirname(path))
  fchownSync(file, uid, gid)
}

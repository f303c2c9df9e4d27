import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** Why no disk of its own can be mounted here; undefined when it can. */
export function whyNoMounts(): string | undefined {
  if (process.platform !== 'linux') return 'mount namespaces are of Linux'
  try {
    execFileSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=64k tmpfs /mnt'], { stdio: 'ignore' })
    return undefined
  } catch {
    return '`unshare -rm` with a mount does not work here'
  }
}

/** A command that runs another with a disk of its own under `folder`, seen by nobody else: `options` as of mount's tmpfs, `size=16m`. */
export function withDisk(folder: string, options: string): string[] {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const script = 'mount -t tmpfs -o "$1" tmpfs "$0" && shift && exec "$@"'
  return ['unshare', '-rm', 'sh', '-c', script, folder, options]
}

/** A path as a process sees it. */
export const seenBy = (pid: number, path: string): string => join(`/proc/${pid}/root`, path)

/** Rows of a database as a process sees it. SQLite follows `/proc/PID/root` back to our own disk, so this is asked over there. */
export function rowsSeenBy<Row>(pid: number, database: string, sql: string): Row[] {
  const sqlite = createRequire(import.meta.url).resolve('better-sqlite3')
  const script = `const db = new (require(${JSON.stringify(sqlite)}))(process.argv[1], { readonly: true, timeout: 5000 })
    console.log(JSON.stringify(db.prepare(process.argv[2]).all()))`
  const there = ['-t', String(pid), '-U', '-m', '--preserve-credentials', process.execPath, '-e', script, database, sql]
  return JSON.parse(execFileSync('nsenter', there, { encoding: 'utf8' })) as Row[]
}

/** Takes all room that is left in a folder; gives how to give it back. */
export function fill(folder: string): () => void {
  const path = join(folder, 'ballast')
  const file = openSync(path, 'w')
  for (let size = 65_536; size >= 1;) {
    try {
      if (writeSync(file, Buffer.alloc(size)) < size) size >>= 4
    } catch (thrown) {
      if (!(thrown instanceof Error) || !('code' in thrown) || thrown.code !== 'ENOSPC') throw thrown
      size >>= 4
    }
  }
  closeSync(file)
  return () => rmSync(path)
}

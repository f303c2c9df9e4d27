import Database from 'better-sqlite3'
import { closeSync, constants, existsSync, openSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makePrivateFolder, type Store } from './open.ts'

/** A database of what can be made again from the ledger. A file of another version is thrown away. */
export type Derived = { readonly name: string; readonly version: number; readonly sql: string }

/** `dir/index/NAME.db`: apart from the ledger, so that filling it never holds the ledger's lock. */
export const derivedPath = (dir: string, { name }: Derived): string => join(dir, FOLDER, `${name}.db`)

/** Opens it for writing; makes it anew when it is missing, of another version, or damaged. Only its one writer may call this. */
export function openDerived(dir: string, derived: Derived): Store {
  const path = derivedPath(dir, derived)
  makePrivateFolder(dirname(path))
  try {
    return opened(path, derived)
  } catch (thrown) {
    if (!isUnusable(thrown)) throw thrown
    removeDerived(dir, derived)
    return opened(path, derived)
  }
}

/** Opens it for writing while `use` runs. One that turns out to be damaged is removed, so that the next time it is made anew. */
export async function withDerived<T>(dir: string, derived: Derived, use: (db: Store) => Promise<T>): Promise<T> {
  const db = openDerived(dir, derived)
  try {
    return await use(db)
  } catch (thrown) {
    db.close()
    if (isDamage(thrown)) removeDerived(dir, derived)
    throw thrown
  } finally {
    db.close()
  }
}

/** Opens it for reading; undefined when there is none that can be used. */
export function openDerivedForReading(dir: string, derived: Derived): Store | undefined {
  const path = derivedPath(dir, derived)
  if (!existsSync(path)) return undefined
  let db: Store | undefined
  try {
    db = new Database(path, { timeout: BUSY_MS, readonly: true, fileMustExist: true })
    if (versionOf(db) === derived.version) return db
  } catch (thrown) {
    if (!(thrown instanceof Database.SqliteError)) throw thrown
  }
  db?.close()
  return undefined
}

export function removeDerived(dir: string, derived: Derived): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(derivedPath(dir, derived) + suffix, { force: true })
}

function opened(path: string, { version, sql }: Derived): Store {
  closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600))
  const db = new Database(path, { timeout: BUSY_MS })
  try {
    // What is removed from it must not be left in free pages.
    for (const pragma of ['journal_mode = WAL', 'synchronous = NORMAL', 'secure_delete = ON']) db.pragma(pragma)
    db.pragma('journal_size_limit = 16777216')
    const found = versionOf(db)
    if (found === 0) db.transaction(() => db.exec(`${sql}; PRAGMA user_version = ${version}`)).immediate()
    else if (found !== version) throw new OtherVersion()
    return db
  } catch (thrown) {
    db.close()
    throw thrown
  }
}

const versionOf = (db: Store): number => Number(db.pragma('user_version', { simple: true }))

function isUnusable(thrown: unknown): boolean {
  if (thrown instanceof OtherVersion) return true
  return thrown instanceof Database.SqliteError && /^SQLITE_(NOTADB|CORRUPT|ERROR)/.test(thrown.code)
}

// What a page holds that SQLite takes for whole may still be no column: then it is zlib that says so.
function isDamage(thrown: unknown): boolean {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  return /^(?:SQLITE_(?:CORRUPT|NOTADB)|Z_|ZSTD_|ERR_ZLIB|ERR_BUFFER_TOO_LARGE)/.test(code)
}

class OtherVersion extends Error {}

const FOLDER = 'index'
const BUSY_MS = 5_000

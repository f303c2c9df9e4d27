import Database from 'better-sqlite3'
import { chmodSync, closeSync, constants, existsSync, mkdirSync, openSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '../core/errors.ts'
import { isOutdated, migrate, requireCurrent } from './migrate.ts'
import { isAlive } from './owner-locks.ts'

export type Store = Database.Database

/** What a committed row survives: `crash` kill -9, `power` loss of power, `relaxed` neither. */
export type Durability = 'crash' | 'power' | 'relaxed'

/**
 * Opens `dir/sallyport.db` for writing: makes folder (0700) and file (0600) when missing and brings the schema up to date. Any
 * number of processes may do this at once. The caller closes it. Throws `ledger_corrupt` for a file that is not a usable
 * database, `ledger_unavailable` when the disk or a lock is in the way.
 */
export function openStore(options: { dir: string; durability: Durability }): Store {
  const path = databasePath(options.dir)
  return orStoreError(path, () => {
    makePrivateFolder(options.dir)
    // Made before SQLite does, so that the file, and the -wal and -shm files that copy its mode, are never readable by others.
    closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600))
    const db = new Database(path, { timeout: BUSY_MS })
    try {
      // Takes effect only before there is anything in the file, which then can give free pages back.
      db.pragma('auto_vacuum = INCREMENTAL')
      enterWal(db)
      for (const pragma of pragmasFor(options.durability)) db.pragma(pragma)
      migrate(db, undefined, () => refuseBesideOthers(db, options.dir))
      return db
    } catch (cause) {
      db.close()
      throw cause
    }
  })
}

/** Opens an existing `dir/sallyport.db` for reading only, beside running writers. */
export function openStoreForReading(options: { dir: string }): Store {
  const path = databasePath(options.dir)
  if (!existsSync(path)) {
    throw new SallyportError('ledger_unavailable', `there is no ledger at ${path}`, {
      hint: '`sallyport serve` makes it; `-c FILE` names another configuration.',
    })
  }
  return orStoreError(path, () => {
    if (!statSync(path).isFile()) throw new SallyportError('ledger_corrupt', `${path} is not a file`)
    const db = new Database(path, { timeout: BUSY_MS, readonly: true, fileMustExist: true })
    try {
      db.prepare('SELECT count(*) FROM sqlite_schema').get()
      requireCurrent(db)
      return db
    } catch (cause) {
      db.close()
      throw cause
    }
  })
}

/** Bytes of a ledger that an earlier program wrote, and that opening for writing will change; undefined when there is none. */
export function outdatedBytes(dir: string): number | undefined {
  const path = databasePath(dir)
  if (!existsSync(path)) return undefined
  return orStoreError(path, () => {
    const db = new Database(path, { timeout: BUSY_MS, readonly: true, fileMustExist: true })
    try {
      return isOutdated(db) ? statSync(path).size : undefined
    } finally {
      db.close()
    }
  })
}

export const databasePath = (dir: string): string => join(dir, 'sallyport.db')

/**
 * Settings of one writing connection. NORMAL syncs only at checkpoints: what is committed is in the system's page cache, which
 * kill -9 does not touch, and a power loss costs the last commits but never the database. OFF gives up that too.
 */
export function pragmasFor(durability: Durability): string[] {
  const synchronous = { crash: 'NORMAL', power: 'FULL', relaxed: 'OFF' }[durability]
  return [
    `synchronous = ${synchronous}`,
    'foreign_keys = ON',
    // What is removed is overwritten: no copies of content stay in free pages. It costs nothing that could be measured.
    'secure_delete = ON',
    'journal_size_limit = 67108864',
    'wal_autocheckpoint = 8000',
  ]
}

/** Makes a folder that only its owner may enter; one that exists is narrowed where the system lets us. */
export function makePrivateFolder(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  try {
    chmodSync(dir, 0o700)
  } catch {
    // A mounted volume may belong to somebody else: writing to it then decides.
  }
}

/** The error a failed store operation is known by; what is no fault of SQLite or the file system is thrown as it is. */
export function storeError(path: string, thrown: unknown): unknown {
  const code = codeOf(thrown)
  if (code === undefined || thrown instanceof SallyportError) return thrown
  const reason = thrown instanceof Error ? thrown.message : code
  if (passing.some((prefix) => code.startsWith(prefix))) {
    return new SallyportError('ledger_unavailable', `the ledger ${path} cannot be written: ${reason}`, {
      cause: thrown,
    })
  }
  return new SallyportError('ledger_corrupt', `the ledger ${path} cannot be opened: ${reason}`, {
    cause: thrown,
    ...(code.startsWith('E') ? { hint: 'Check owner and mode of the file and its folder (`data.dir`).' } : {}),
  })
}

/** Runs it; what it throws is thrown as `storeError` has it. */
export function orStoreError<T>(path: string, run: () => T): T {
  try {
    return run()
  } catch (thrown) {
    throw storeError(path, thrown)
  }
}

/** What a process of an earlier version goes on writing would not be in the chain. */
function refuseBesideOthers(db: Store, dir: string): void {
  const processes = db.prepare<[], { id: number; pid: number }>('SELECT id, pid FROM processes').all()
  const alive = processes.filter(({ id }) => isAlive(dir, id)).map(({ pid }) => pid)
  if (alive.length === 0) return
  const message = `the ledger ${db.name} is of an earlier version of Sallyport, which still runs (process ${alive.join(', ')})`
  throw new SallyportError('ledger_unavailable', message, {
    hint: 'Stop it first; then the ledger is brought up to date.',
  })
}

function codeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return undefined
  return thrown.code
}

// The change to WAL needs the file for itself for a moment, and SQLite does not always wait for it.
function enterWal(db: Store): void {
  const deadline = performance.now() + BUSY_MS
  for (;;) {
    try {
      if (db.pragma('journal_mode', { simple: true }) !== 'wal') db.pragma('journal_mode = WAL')
      return
    } catch (thrown) {
      if (!codeOf(thrown)?.startsWith('SQLITE_BUSY') || performance.now() > deadline) throw thrown
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }
}

const BUSY_MS = 5_000
const passing = [
  'SQLITE_BUSY',
  'SQLITE_LOCKED',
  'SQLITE_FULL',
  'SQLITE_IOERR',
  'ENOSPC',
  'EDQUOT',
  'EIO',
  'EMFILE',
  'ENFILE',
]

import { constants, copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { SallyportError } from '../core/errors.ts'
import { orStoreError } from '../store/open.ts'
import { foreignSchema } from '../store/schema.ts'

/** A database as it is at one moment, for reading; `path` is where another connection finds it. */
export type Snapshot = {
  readonly db: Database.Database
  readonly path: string
  readonly close: () => void
}

/**
 * Opens a database in one read transaction, beside running writers. SQLite writes small files beside what it reads: where it cannot, on a
 * medium that is read only, a copy is opened that is gone after. Throws `ledger_unavailable` or `ledger_corrupt`, also for a ledger without
 * a chain, and for one that has anything that the program did not make: it may come from a stranger.
 */
export function openSnapshot(database: string): Snapshot {
  if (!existsSync(database)) throw new SallyportError('ledger_unavailable', `there is no ledger at ${database}`)
  return orStoreError(database, () => {
    try {
      return opened(database, () => {})
    } catch (cause) {
      if (!(cause instanceof Database.SqliteError) || !/^SQLITE_(CANTOPEN|READONLY)/.test(cause.code)) throw cause
      return copied(database)
    }
  })
}

function opened(path: string, after: () => void): Snapshot {
  const db = new Database(path, { readonly: true, fileMustExist: true })
  const close = (): void => {
    db.close()
    after()
  }
  try {
    // See SQLite's advice on databases of strangers ("Defense Against The Dark Arts").
    for (const pragma of ['trusted_schema = OFF', 'cell_size_check = ON']) db.pragma(pragma)
    db.exec('BEGIN')
    requireLedger(db, path)
    return { db, path, close }
  } catch (cause) {
    db.close()
    throw cause
  }
}

function requireLedger(db: Database.Database, path: string): void {
  if (db.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'chain'`).get() === undefined) {
    throw new SallyportError('ledger_corrupt', `the ledger ${path} has no chain`, {
      hint: 'A Sallyport older than the chain wrote it: the next start adds one, from then on.',
    })
  }
  const foreign = foreignSchema(db)
  if (foreign === undefined) return
  throw new SallyportError('ledger_corrupt', `the ledger ${path} was altered: ${foreign}`, {
    hint: 'No Sallyport makes such a database. Nothing in it was looked at, and nothing is proved.',
  })
}

function copied(database: string): Snapshot {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-copy-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  const path = join(folder, 'sallyport.db')
  try {
    copyFileSync(database, path, constants.COPYFILE_FICLONE)
    if (statSync(`${database}-wal`, { throwIfNoEntry: false })?.isFile() === true)
      copyFileSync(`${database}-wal`, `${path}-wal`, constants.COPYFILE_FICLONE)
    return opened(path, remove)
  } catch (cause) {
    remove()
    throw cause
  }
}

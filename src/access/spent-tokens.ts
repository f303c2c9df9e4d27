import Database from 'better-sqlite3'
import { createHash } from 'node:crypto'
import { closeSync, constants, fsyncSync, openSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { makePrivateFolder } from '../store/open.ts'

/** An attestation that is about to count; times in milliseconds since 1970. */
export type Spending = {
  readonly device: string
  readonly jti: string
  /** The first moment at which it could be taken, and the first at which it cannot any more. */
  readonly from: number
  readonly until: number
}

export type Spent = 'new' | 'replayed' | 'unavailable'

export type SpentTokens = {
  /** All of it in one transaction. Throws when the database is locked (`isBusy`) or fails: then none of it has happened. */
  readonly spend: (tokens: readonly Spending[], now: number) => Spent[]
  readonly close: () => void
}

/** The time since this machine was started. */
export type Boot = {
  /** Its name; null where the system gives none. */
  readonly id: string | null
  /** How long it is, in milliseconds: no clock that is set right meanwhile changes that. */
  readonly uptime: () => number
}

/** Where it lies. With names there is one for each boot, because without syncs a loss of power may leave anything in the file. */
export function spentPath(dir: string, boot: Boot): string {
  return join(dir, boot.id === null ? 'replay.db' : `replay-${boot.id}.db`)
}

/**
 * Opens the tokens spent since the machine was started, for any number of processes; those of earlier boots are removed. A token that could
 * have been spent before this memory began, or so long ago that it has been forgotten, is `replayed`.
 */
export function openSpent(options: Options): SpentTokens {
  const { dir, boot, lost } = options
  makePrivateFolder(dir)
  const path = spentPath(dir, boot)
  // Made before SQLite does, so that the files beside it, which copy its mode, are never readable by others.
  closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600))
  const db = new Database(path, { timeout: 0 })
  try {
    const earlier = databasesOfOthers(dir, path)
    db.pragma('journal_mode = WAL')
    db.pragma(`synchronous = ${boot.id === null ? 'NORMAL' : 'OFF'}`)
    db.pragma(`max_page_count = ${MAX_PAGES}`)
    db.exec(SCHEMA)
    const began = boot.id === null ? 0 : earlier.length === 0 ? null : Math.ceil(boot.uptime())
    db.prepare('INSERT OR IGNORE INTO guard (one, began, forgotten, held) VALUES (1, ?, 0, 0)').run(began)
    // For all who open it, also those who do not know that there was another. One that began after our last look was made by who knew.
    if (lost !== undefined)
      db.prepare('UPDATE guard SET began = ? WHERE began IS NULL OR began < ?').run(Math.ceil(boot.uptime()), lost)
    // That there was one of this boot is what the next boot must know.
    syncFolder(dir)
    for (const name of earlier) rmSync(join(dir, name), { force: true })
    return prepared(db, options)
  } catch (cause) {
    db.close()
    throw cause
  }
}

type Options = {
  readonly dir: string
  readonly boot: Boot
  readonly maxRows: number
  /** When another file was last seen in this place, in uptime: this one need not know all that was in it. */
  readonly lost?: number | undefined
}

/** Whether somebody else holds the database locked. */
export function isBusy(thrown: unknown): boolean {
  return thrown instanceof Database.SqliteError && thrown.code.startsWith('SQLITE_BUSY')
}

function prepared(db: Database.Database, { boot, maxRows }: Options): SpentTokens {
  const read = db.prepare<[], Guard>('SELECT began, forgotten, held FROM guard')
  const write = db.prepare<[number, number]>('UPDATE guard SET forgotten = ?, held = ?')
  const insert = db.prepare<[Buffer, number]>('INSERT OR IGNORE INTO spent (key, until) VALUES (?, ?)')
  const purge = db
    .prepare<[number, number], number>(
      'DELETE FROM spent WHERE key IN (SELECT key FROM spent WHERE until <= ? ORDER BY until LIMIT ?) RETURNING until',
    )
    .pluck()
  const all = db.transaction((tokens: readonly Spending[], now: number): Spent[] => {
    const guard = read.get() as Guard
    const firstFrom = guard.began === null ? 0 : now - boot.uptime() + guard.began
    // More than can be put in.
    const purged = purge.all(now, PURGED_MORE + 2 * tokens.length)
    // Not up to `now`: a clock that was ahead for a moment would have all that comes until then refused.
    const forgotten = purged.reduce((latest, until) => Math.max(latest, until), guard.forgotten)
    let held = guard.held - purged.length
    const spent = tokens.map((token): Spent => {
      if (token.from < firstFrom || token.until <= forgotten) return 'replayed'
      if (held >= maxRows) return isHeld(token) ? 'replayed' : 'unavailable'
      const { changes } = insert.run(keyOf(token), token.until)
      held += changes
      return changes === 1 ? 'new' : 'replayed'
    })
    if (held !== guard.held || forgotten !== guard.forgotten) write.run(forgotten, held)
    return spent
  })
  const one = db.prepare<[Buffer]>('SELECT 1 FROM spent WHERE key = ?')
  const isHeld = (token: Spending): boolean => one.get(keyOf(token)) !== undefined
  return { spend: (tokens, now) => all.immediate(tokens, now), close: () => db.close() }
}

type Guard = {
  /** The uptime at which this memory begins, in milliseconds; null when nothing was spent before. */
  readonly began: number | null
  /** Up to there spent tokens may have been removed. */
  readonly forgotten: number
  readonly held: number
}

/** Of one length; no device has a say in what another one's looks like. */
function keyOf({ device, jti }: Spending): Buffer {
  return createHash('sha256').update(`${device} ${jti}`).digest().subarray(0, 16)
}

function databasesOfOthers(dir: string, path: string): string[] {
  return readdirSync(dir).filter((name) => OURS.test(name) && !join(dir, name).startsWith(path))
}

function syncFolder(dir: string): void {
  const fd = openSync(dir, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS spent (key BLOB NOT NULL PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID, STRICT;
CREATE INDEX IF NOT EXISTS spent_until ON spent (until);
CREATE TABLE IF NOT EXISTS guard (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1), began INTEGER, forgotten INTEGER NOT NULL, held INTEGER NOT NULL
) STRICT;`
const OURS = /^replay(?:-[0-9a-f-]{36})?\.db(?:-wal|-shm)?$/
const PURGED_MORE = 8
// 256 MB.
const MAX_PAGES = 65_536

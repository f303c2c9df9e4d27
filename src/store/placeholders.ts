import Database from 'better-sqlite3'
import { closeSync, constants, existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { makePrivateFolder } from './open.ts'

/** Placeholders and the sealed values they stand for, shared by all processes of a data folder. */
export type Placeholders = {
  /** Written a moment later, with others. */
  readonly put: (tenant: string, placeholder: string, sealed: Uint8Array) => void
  readonly find: (placeholder: string) => Uint8Array | undefined
  /** Whether a tenant has none. */
  readonly empty: (tenant: string) => boolean
  readonly close: () => void
}

export type PlaceholderOptions = {
  readonly dir: string
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** How long one that is not used again is kept. */
  readonly keepMs: number
  readonly maxRows: number
  /** Told when the file cannot be used: then later turns in other processes may miss an original. */
  readonly failed: (cause: unknown) => void
}

/**
 * Opens `dir/placeholders.db`. It is a convenience, never the truth: what cannot be written or read is as if it were not there, and
 * nobody waits for a lock.
 */
export function openPlaceholders(options: PlaceholderOptions): Placeholders {
  const { now, failed } = options
  const db = orElse(() => opened(options.dir), undefined, failed)
  if (db === undefined) return { put: () => {}, find: () => undefined, empty: () => true, close: () => {} }
  const insert = db.prepare('INSERT OR REPLACE INTO placeholders (placeholder, tenant, sealed, at) VALUES (?, ?, ?, ?)')
  const select = db.prepare<[string], { sealed: Uint8Array }>('SELECT sealed FROM placeholders WHERE placeholder = ?')
  const some = db.prepare('SELECT 1 FROM placeholders WHERE tenant = ? LIMIT 1')
  const waiting = new Map<string, readonly [tenant: string, sealed: Uint8Array]>()
  let timer: NodeJS.Timeout | undefined
  let sweptAt = -Infinity

  function put(tenant: string, placeholder: string, sealed: Uint8Array): void {
    if (waiting.size >= MOST_WAITING) return
    waiting.set(placeholder, [tenant, sealed])
    timer ??= setTimeout(write, WRITE_MS).unref()
  }

  function write(): void {
    timer = undefined
    const batch = [...waiting].slice(0, BATCH)
    const at = now()
    const all = db!.transaction(() => {
      for (const [placeholder, [tenant, sealed]] of batch) insert.run(placeholder, tenant, sealed, at)
    })
    if (orElse(() => (all.immediate(), true), false, failed))
      for (const [placeholder] of batch) waiting.delete(placeholder)
    if (waiting.size > 0) timer ??= setTimeout(write, RETRY_MS).unref()
    if (at - sweptAt < SWEEP_MS) return
    sweptAt = at
    orElse(() => sweep(db!, options), undefined, failed)
  }

  return {
    put,
    find: (placeholder) =>
      waiting.get(placeholder)?.[1] ?? orElse(() => select.get(placeholder)?.sealed, undefined, failed),
    empty: (tenant) => waiting.size === 0 && orElse(() => some.get(tenant) === undefined, true, failed),
    close() {
      clearTimeout(timer)
      if (waiting.size > 0) write()
      clearTimeout(timer)
      db.close()
    },
  }
}

/** Removes what a tenant has, or what of it was last used before a time (milliseconds since 1970), also from free pages and the log. */
export function forgetPlaceholders(dir: string, tenant: string, before = Infinity): number {
  if (!existsSync(join(dir, FILE))) return 0
  const db = opened(dir)
  try {
    db.pragma(`busy_timeout = ${OPEN_MS}`)
    const most = Math.min(before, Number.MAX_SAFE_INTEGER)
    const { changes } = db.prepare('DELETE FROM placeholders WHERE tenant = ? AND at < ?').run(tenant, most)
    db.pragma('wal_checkpoint(TRUNCATE)')
    return changes
  } finally {
    db.close()
  }
}

function opened(dir: string): Database.Database {
  makePrivateFolder(dir)
  const path = join(dir, FILE)
  closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600))
  const db = new Database(path, { timeout: OPEN_MS })
  try {
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = NORMAL')
    db.pragma('secure_delete = ON')
    db.exec(`
      CREATE TABLE IF NOT EXISTS placeholders
        (placeholder TEXT PRIMARY KEY, tenant TEXT NOT NULL, sealed BLOB NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS placeholders_tenant ON placeholders (tenant);
      CREATE INDEX IF NOT EXISTS placeholders_at ON placeholders (at);`)
    db.pragma(`busy_timeout = ${BUSY_MS}`)
    return db
  } catch (cause) {
    db.close()
    throw cause
  }
}

/** A bounded number at a time: a sweep must not hold up anything. */
function sweep(db: Database.Database, { now, keepMs, maxRows }: PlaceholderOptions): void {
  const oldest = 'SELECT placeholder FROM placeholders'
  db.prepare(`DELETE FROM placeholders WHERE placeholder IN (${oldest} WHERE at < ? LIMIT ${BATCH})`).run(
    now() - keepMs,
  )
  const { rows } = db.prepare<[], { rows: number }>('SELECT count(*) AS rows FROM placeholders').get() ?? { rows: 0 }
  const surplus = Math.min(BATCH, rows - maxRows)
  if (surplus > 0)
    db.prepare(`DELETE FROM placeholders WHERE placeholder IN (${oldest} ORDER BY at LIMIT ?)`).run(surplus)
}

function orElse<T>(run: () => T, otherwise: T, failed: (cause: unknown) => void): T {
  try {
    return run()
  } catch (cause) {
    const busy = cause instanceof Error && 'code' in cause && String(cause.code).startsWith('SQLITE_BUSY')
    if (!busy) failed(cause)
    return otherwise
  }
}

const FILE = 'placeholders.db'
const OPEN_MS = 5_000
const BUSY_MS = 2
const WRITE_MS = 5
const RETRY_MS = 50
const BATCH = 500
const MOST_WAITING = 20_000
const SWEEP_MS = 60_000

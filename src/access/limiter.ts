import Database from 'better-sqlite3'
import { createHash } from 'node:crypto'
import { closeSync, constants, openSync } from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '../core/errors.ts'
import { lru } from '../lib/lru.ts'
import { firstSlice, sliceAt, weigh } from '../lib/sliding-window.ts'
import type { Admission, Limit, Slice } from '../lib/sliding-window.ts'
import { makePrivateFolder } from '../store/open.ts'

export type SharedLimiter = {
  /** Counts one more under the key, when that is within the limit. Rejects with `hook_failed` when it cannot be counted. */
  readonly take: (key: string, limit: Limit) => Promise<Admission>
  readonly close: () => void
}

/**
 * Counts for all processes that share the folder, exactly: in a database of its own, `limits.db`, so that nobody waits for the ledger.
 * What asks in one turn of the loop is decided in one transaction. Who is over the limit is told so from memory until a place is free.
 */
export function sharedLimiter({ dir, now }: { readonly dir: string; readonly now: () => number }): SharedLimiter {
  const refusals = lru<string, number>({ max: MAX_REMEMBERED })
  let counters: Counters | undefined
  let waiting: Asked[] = []
  let closed = false

  function decide(): void {
    const asked = waiting.slice(0, BATCH)
    waiting = waiting.slice(BATCH)
    if (waiting.length > 0) setImmediate(decide)
    try {
      if (closed) throw new Error('closed')
      counters ??= openCounters(dir)
      const at = now()
      const admissions = counters.take(asked, at)
      for (const [i, { key, limit, resolve }] of asked.entries()) {
        const admission = admissions[i]!
        if (!admission.admitted) refusals.set(`${key} ${limit.max}`, at + admission.retryAfterMs)
        resolve(admission)
      }
    } catch (cause) {
      counters?.close()
      counters = undefined
      const error = new SallyportError('hook_failed', 'the counters of rate limits cannot be written', { cause })
      for (const { reject } of asked) reject(error)
    }
  }

  return {
    async take(name, limit) {
      const key = hashed(name, limit)
      const left = (refusals.get(`${key} ${limit.max}`) ?? 0) - now()
      if (left > 0) return { admitted: false, retryAfterMs: Math.min(left, 2 * limit.windowMs) }
      if (waiting.length >= MAX_WAITING) throw new SallyportError('hook_failed', 'too much waits for rate limits')
      const { promise, resolve, reject } = Promise.withResolvers<Admission>()
      waiting.push({ key, limit, resolve, reject })
      if (waiting.length === 1) setImmediate(decide)
      return promise
    },
    close() {
      closed = true
      counters?.close()
      counters = undefined
    },
  }
}

type Asked = {
  readonly key: string
  readonly limit: Limit
  readonly resolve: (admission: Admission) => void
  readonly reject: (error: SallyportError) => void
}

type Counters = {
  readonly take: (asked: readonly Asked[], now: number) => Admission[]
  readonly close: () => void
}

function openCounters(dir: string): Counters {
  makePrivateFolder(dir)
  const path = join(dir, 'limits.db')
  // Made before SQLite does, so that the files beside it, which copy its mode, are never readable by others.
  closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600))
  const db = new Database(path, { timeout: BUSY_MS })
  try {
    // Not worth a sync: what a power loss takes are counts of the last minutes.
    for (const pragma of ['journal_mode = WAL', 'synchronous = OFF', `max_page_count = ${MAX_PAGES}`]) db.pragma(pragma)
    db.exec(SCHEMA)
    return prepared(db)
  } catch (cause) {
    db.close()
    throw cause
  }
}

function prepared(db: Database.Database): Counters {
  const slices = db.prepare<[string, number], Slice>(
    'SELECT slice, count FROM taken WHERE key = ? AND slice >= ? ORDER BY slice',
  )
  const add = db.prepare(
    'INSERT INTO taken (key, slice, count, until) VALUES (?, ?, 1, ?) ON CONFLICT DO UPDATE SET count = count + 1',
  )
  const purge = db.prepare(
    `DELETE FROM taken WHERE (key, slice) IN (SELECT key, slice FROM taken WHERE until < ? LIMIT ${PURGED})`,
  )
  const one = ({ key, limit }: Asked, now: number): Admission => {
    const { windowMs } = limit
    const counted = slices.all(key, firstSlice(now, windowMs))
    const admission = weigh(counted, limit, now)
    // Where the clock was put back, the newest slice stays the newest.
    const slice = Math.max(sliceAt(now, windowMs), counted.at(-1)?.slice ?? 0)
    if (admission.admitted) add.run(key, slice, now + 2 * windowMs)
    return admission
  }
  let admitted = 0
  const all = db.transaction((asked: readonly Asked[], now: number) => {
    const admissions = asked.map((some) => one(some, now))
    admitted += admissions.length
    // More is taken away than was put in.
    if (admitted >= PURGED / 2) {
      admitted = 0
      purge.run(now)
    }
    return admissions
  })
  return { take: (asked, now) => all.immediate(asked, now), close: () => db.close() }
}

/** A key of one length whoever chose its parts; the window belongs to it, because slices of different windows do not compare. */
function hashed(name: string, { windowMs }: Limit): string {
  return createHash('sha256').update(`${windowMs} ${name}`).digest('base64url').slice(0, 24)
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS taken (
  key TEXT NOT NULL, slice INTEGER NOT NULL, count INTEGER NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (key, slice)
) WITHOUT ROWID, STRICT;
CREATE INDEX IF NOT EXISTS taken_until ON taken (until);`
const BUSY_MS = 100
const BATCH = 128
const PURGED = 256
const MAX_WAITING = 10_000
const MAX_REMEMBERED = 10_000
// 64 MB.
const MAX_PAGES = 16_384

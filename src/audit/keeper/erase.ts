import { setTimeout } from 'node:timers/promises'
import { newEventId } from '../../core/ids.ts'
import { writeBriefly } from '../../store/brief-write.ts'
import { chainColumnsSql, chainOf, type ChainValue, digestOf, entryKinds } from '../../store/chain.ts'
import { insertEvent } from '../../store/events.ts'
import type { Store } from '../../store/open.ts'
import { removeBodyFile } from '../bodies/body-files.ts'
import { shrink } from './shrink.ts'

/** Whose content goes: of a principal, before a time (ISO 8601) or all; or of one exchange. */
export type EraseTarget =
  | { readonly kind: 'principal'; readonly principal: string; readonly before: string | undefined }
  | { readonly kind: 'exchange'; readonly id: string }

export type EraseOptions = {
  /** The data folder. */
  readonly dir: string
  readonly target: EraseTarget
  readonly now: () => number
  readonly who: string
}

export type Erased = {
  readonly exchanges: number
  readonly files: number
  readonly bytes: number
  /** Exchanges that are not finished: they keep what they have. */
  readonly open: number
  /** Whether copies may be left in free pages or in the write-ahead log. */
  readonly remains: boolean
}

/** What `erase` would do. */
export function erasable(db: Store, target: EraseTarget): Pick<Erased, 'exchanges' | 'files' | 'open'> {
  const { where, values } = conditionOf(target)
  const sql = `SELECT
      count(*) FILTER (WHERE state <> 'open') AS exchanges,
      ifnull(sum((request_spill IS NOT NULL) + (response_spill IS NOT NULL)) FILTER (WHERE state <> 'open'), 0) AS files,
      count(*) FILTER (WHERE state = 'open') AS open
    FROM exchanges WHERE ${where}`
  const found = db.prepare<string[], { exchanges: number; files: number; open: number }>(sql).get(...values)
  return found ?? { exchanges: 0, files: 0, open: 0 }
}

/**
 * Removes the bodies of the exchanges and their files. The rows stay and say when their content was erased, each by an entry of its own in the
 * chain; an event says who did it. Then nothing of the content is left in the database, its free pages, or its log; `remains` when that could not
 * be had. After a kill in between, the same call does the rest.
 */
export async function erase(db: Store, options: EraseOptions, signal: AbortSignal): Promise<Erased> {
  const { dir, target, now } = options
  db.pragma('secure_delete = ON')
  const { open, ...wanted } = erasable(db, target)
  // Said before it is done: who is killed in between has said it.
  if (wanted.exchanges > 0) record(db, options, wanted)
  const next = batches(db, target)
  const total = { exchanges: 0, files: 0, bytes: 0 }
  let rows = FIRST_ROWS
  for (let after = 0; !signal.aborted;) {
    const seqs = next(after, rows)
    const last = seqs.at(-1)
    if (last === undefined) break
    const { files, erased, lockMs } = eraseRows(db, seqs, new Date(now()).toISOString())
    for (const name of files) total.bytes += removeBodyFile(dir, name)
    total.files += files.length
    total.exchanges += erased
    after = last
    rows = lockMs > 4 ? Math.max(1, rows >> 1) : lockMs < 2 ? Math.min(100, 2 * rows) : rows
    await setTimeout(Math.max(1, 3 * lockMs), undefined, { signal }).catch(() => undefined)
  }
  return { ...total, open, remains: !(await scrub(db, signal)) }
}

function conditionOf(target: EraseTarget): { where: string; values: string[] } {
  const content = `erased IS NULL AND (request_body IS NOT NULL OR response_body IS NOT NULL
    OR request_spill IS NOT NULL OR response_spill IS NOT NULL OR state = 'open')`
  if (target.kind === 'exchange') return { where: `id = ? AND ${content}`, values: [target.id] }
  const { principal, before } = target
  return before === undefined
    ? { where: `principal = ? AND ${content}`, values: [principal] }
    : { where: `principal = ? AND at < ? AND ${content}`, values: [principal, before] }
}

function batches(db: Store, target: EraseTarget): (after: number, rows: number) => number[] {
  const { where, values } = conditionOf(target)
  const sql = `SELECT seq FROM exchanges WHERE seq > ? AND ${where} AND state <> 'open' ORDER BY seq LIMIT ?`
  const select = db.prepare<(string | number)[], number>(sql).pluck()
  return (after, rows) => select.all(after, ...values, rows)
}

type Names = [request: string | null, response: string | null]

function eraseRows(
  db: Store,
  seqs: readonly number[],
  at: string,
): { files: string[]; erased: number; lockMs: number } {
  const namesOf = db.prepare<[number], Names>('SELECT request_spill, response_spill FROM exchanges WHERE seq = ?').raw()
  const clear = db
    .prepare<[string, number, number], ChainValue[]>(
      `UPDATE exchanges SET request_body = NULL, response_body = NULL, request_spill = NULL, response_spill = NULL, erased = ?, block = ?
       WHERE seq = ? AND erased IS NULL AND state <> 'open' RETURNING ${chainColumnsSql('exchanges')}`,
    )
    .raw()
  const files: string[] = []
  let erased = 0
  let began = 0
  writeBriefly(db, () => {
    began = performance.now()
    chainOf(db).write(at, (block) => {
      for (const seq of seqs) {
        const names = namesOf.get(seq)
        const values = clear.get(at, block.n, seq)
        if (names === undefined || values === undefined) continue
        block.add(entryKinds.erased, seq, digestOf('exchanges', values))
        files.push(...names.filter((name) => name !== null))
        erased += 1
      }
    })
  })
  return { files, erased, lockMs: performance.now() - began }
}

function record(db: Store, { target, now, who }: EraseOptions, total: Readonly<Record<string, number>>): void {
  const time = now()
  const [id, at] = [newEventId(time), new Date(time).toISOString()]
  const { kind, ...of } = target
  const subject = target.kind === 'principal' ? target.principal : target.id
  const after = JSON.stringify({ [kind]: subject, ...of, ...total })
  writeBriefly(db, () => insertEvent(db, { id, at, who, what: 'content.erase', subject, before: null, after }))
}

/** Leaves nothing in free pages, nor in the log. */
async function scrub(db: Store, signal: AbortSignal): Promise<boolean> {
  const shrunk = await shrink(db, 0, signal)
  const patience = Number(db.pragma('busy_timeout', { simple: true }))
  // While it waits for readers, nobody can write.
  db.pragma('busy_timeout = 50')
  try {
    for (let tries = 0; tries < TRIES && !signal.aborted; tries += 1) {
      const [outcome] = db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[]
      if (outcome?.busy === 0) return shrunk
      await setTimeout(100)
    }
    return false
  } finally {
    db.pragma(`busy_timeout = ${patience}`)
  }
}

const FIRST_ROWS = 8
const TRIES = 100

import { dirname } from 'node:path/posix'
import { writeBriefly } from '../../store/brief-write.ts'
import {
  chainColumnsSql,
  chainOf,
  type ChainedTable,
  type ChainValue,
  digestOf,
  type Entry,
  entriesOf,
  entryKinds,
  tableOfKind,
} from '../../store/chain.ts'
import type { Store } from '../../store/open.ts'
import { isBodyPath, removeBodyFile, removeEmptyFolders } from '../bodies/body-files.ts'
import { makeCheckpoint, removedSoFar } from '../checkpoints/checkpoints.ts'
import type { Removed } from '../verify/source.ts'

/** What went; `from` and `to` are the times of the first and the last block. */
export type RemovedStep = Omit<Removed, 'link'> & {
  /** Body files of the rows, removed too, and their bytes. */
  readonly files: number
  readonly bytes: number
  /** How long the write lock was held. */
  readonly lockMs: number
}

export type RemovalOptions = {
  /** The data folder. */
  readonly dir: string
  /** The last block that may go: not the head. */
  readonly through: number
  /** About so many entries go; one block at least. */
  readonly entries: number
  /** Milliseconds since 1970. */
  readonly now: number
}

/**
 * Removes blocks from the front of the chain, with the rows whose last entry lies in them; all in one transaction, with
 * a signed checkpoint that says what went; and the files of those rows after it. An exchange that is still open goes on in a new block. Undefined when there is no block up to `through`. A kill between rows
 * and files leaves files that no row names.
 */
export function removeOldest(db: Store, options: RemovalOptions): RemovedStep | undefined {
  const { dir, through, entries: bound, now } = options
  const statements = statementsOf(db)
  let began = 0
  const removed = writeBriefly(db, () => {
    began = performance.now()
    const blocks = oldest(statements, through, bound)
    const last = blocks.at(-1)
    if (last === undefined) return undefined
    const counts = { exchanges: 0, connections: 0, events: 0 }
    const files: string[] = []
    const open: number[] = []
    for (const { n, entries } of blocks) {
      for (const { kind, seq } of entries) {
        const table = tableOfKind[kind] as ChainedTable
        const row = statements.remove[table].get(seq, n)
        if (row !== undefined) {
          counts[table] += 1
          files.push(...[row.request, row.response].filter((name) => name !== null))
        } else if (table === 'exchanges' && statements.isOpen.get(seq, n) !== undefined) open.push(seq)
      }
    }
    if (open.length > 0) carryOn(db, new Date(now).toISOString(), open)
    const of = { toBlock: last.n, from: blocks[0]?.at ?? last.at, to: last.at }
    const step = { ...of, ...counts, entries: blocks.reduce((sum, { entries }) => sum + entries.length, 0) }
    const removed = total(removedSoFar(db), { ...step, link: Buffer.from(last.link).toString('hex') })
    const made = makeCheckpoint(db, { dir, reason: 'retention', now, removed })
    statements.drop.run(last.n)
    // This one says all that they said of what is gone.
    statements.dropCheckpoints.run(made?.number ?? 0, last.n)
    return { step, files }
  })
  if (removed === undefined) return undefined
  const lockMs = performance.now() - began
  const bytes = removed.files.reduce((sum, name) => sum + removeBodyFile(dir, name), 0)
  const folders = new Set(removed.files.filter(isBodyPath).map(dirname))
  for (const folder of folders) removeEmptyFolders(dir, folder, now)
  return { ...removed.step, files: removed.files.length, bytes, lockMs }
}

function total(before: Removed | null, step: Removed): Removed {
  if (before === null) return step
  const { entries, exchanges, connections, events } = before
  return {
    ...step,
    entries: entries + step.entries,
    exchanges: exchanges + step.exchanges,
    connections: connections + step.connections,
    events: events + step.events,
    from: before.from,
  }
}

/** The first and the last block there are. */
export function chainRange(db: Store): { readonly first: number; readonly last: number } {
  const range = db.prepare<[], { first: number; last: number }>('SELECT min(n) AS first, max(n) AS last FROM chain')
  return range.get() ?? { first: 0, last: 0 }
}

type OldBlock = { readonly n: number; readonly at: string; readonly link: Uint8Array; readonly entries: Entry[] }

function oldest({ blocks }: ReturnType<typeof statementsOf>, through: number, bound: number): OldBlock[] {
  const found: OldBlock[] = []
  let count = 0
  for (const { n, at, link, entries: bytes } of blocks.iterate(through)) {
    const entries = entriesOf(bytes)
    if (count > 0 && count + entries.length > bound) break
    found.push({ n, at, link, entries })
    count += entries.length
    if (found.length >= MOST_BLOCKS) break
  }
  return found
}

/** Rows that are not finished get a new entry, so that the block with their old one can go. */
function carryOn(db: Store, at: string, open: readonly number[]): void {
  const move = db
    .prepare<[number, number], ChainValue[]>(
      `UPDATE exchanges SET block = ? WHERE seq = ? RETURNING ${chainColumnsSql('exchanges')}`,
    )
    .raw()
  chainOf(db).write(at, (block) => {
    for (const seq of open) {
      const values = move.get(block.n, seq)
      if (values !== undefined) block.add(entryKinds.open, seq, digestOf('exchanges', values))
    }
  })
}

type Files = { readonly request: string | null; readonly response: string | null }

function statementsOf(db: Store) {
  const remove = (table: ChainedTable, files: string, unless = '') =>
    db.prepare<[number, number], Files>(`DELETE FROM ${table} WHERE seq = ? AND block = ? ${unless} RETURNING ${files}`)
  const none = 'NULL AS request, NULL AS response'
  return {
    blocks: db.prepare<[number], { n: number; at: string; link: Uint8Array; entries: Uint8Array }>(
      'SELECT n, at, link, entries FROM chain WHERE n <= ? ORDER BY n',
    ),
    remove: {
      exchanges: remove('exchanges', 'request_spill AS request, response_spill AS response', `AND state <> 'open'`),
      connections: remove('connections', none),
      events: remove('events', none),
    },
    isOpen: db.prepare<[number, number]>(`SELECT 1 FROM exchanges WHERE seq = ? AND block = ? AND state = 'open'`),
    drop: db.prepare('DELETE FROM chain WHERE n <= ?'),
    dropCheckpoints: db.prepare(`DELETE FROM checkpoints WHERE number < ? AND (reason = 'retention' OR block <= ?)`),
  }
}

const MOST_BLOCKS = 200

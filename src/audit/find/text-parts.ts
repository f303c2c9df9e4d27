import type { Store } from '../../store/open.ts'
import { firstBlock } from './ended.ts'
import { partSql } from './text-index.ts'

export type Gone = { readonly ledger: Store; readonly index: Store; readonly now: () => number }

type Put = { readonly run: (seq: number, text: string) => unknown }

/** The part that a row of `characters` goes into; a full one is followed by a new one. */
export function partFor(index: Store, block: number, characters: number): Put {
  const last = index
    .prepare<[], { id: number; bytes: number }>('SELECT id, bytes FROM parts ORDER BY id DESC LIMIT 1')
    .get()
  const id = last !== undefined && last.bytes < PART_CHARACTERS ? last.id : (last?.id ?? 0) + 1
  if (id !== last?.id) {
    index.exec(partSql(id))
    index.prepare('INSERT INTO parts (id, min_block) VALUES (?, ?)').run(id, block)
  }
  index
    .prepare('UPDATE parts SET bytes = bytes + ?, min_block = min(min_block, ?) WHERE id = ?')
    .run(characters, block, id)
  return index.prepare(`INSERT INTO texts_${id} (rowid, text) VALUES (?, ?)`)
}

/** Takes rows out, wherever they are. `urgent`: their trigrams must be gone soon. */
export function removeRows(index: Store, seqs: readonly number[], urgent: boolean): void {
  const list = JSON.stringify(seqs)
  index.prepare('DELETE FROM unindexed WHERE seq IN (SELECT value FROM json_each(?))').run(list)
  for (const id of partIds(index)) {
    const there = index
      .prepare<[string], number>(`SELECT id FROM texts_${id}_docsize WHERE id IN (SELECT value FROM json_each(?))`)
      .pluck()
      .all(list)
    removeFrom(index, id, there, urgent)
  }
}

/** Takes out what retention has removed since, a part at a time; whether there may be more. */
export function removeGone({ ledger, index }: Gone): boolean {
  const first = Math.min(firstBlock(ledger), Number.MAX_SAFE_INTEGER)
  const id = index.prepare<[number], number>('SELECT id FROM parts WHERE min_block < ? LIMIT 1').pluck().get(first)
  if (id === undefined) return false
  index.transaction(() => removeGoneFrom(ledger, index, id, first)).immediate()
  return true
}

/**
 * Merges a part that has tombstones, a little; whether there is more to merge. Without haste a part waits until it has many or ten
 * minutes have passed: each time it is written anew.
 */
export function purgeStep({ index, now }: Gone): boolean {
  const due = index
    .prepare<[number], number>('SELECT id FROM parts WHERE tombstones > 0 AND (urgent = 1 OR purged < ?) LIMIT 1')
    .pluck()
    .get(now() - PURGE_MS)
  if (due === undefined) return false
  if (!mergeSome(index, due)) {
    index.prepare('UPDATE parts SET tombstones = 0, urgent = 0, purged = ? WHERE id = ?').run(now(), due)
    index.pragma('wal_checkpoint(TRUNCATE)')
  }
  return true
}

/** Nothing is indexed. */
export function startParts(index: Store): void {
  for (const id of partIds(index)) index.exec(`DROP TABLE texts_${id}`)
  index.exec('DELETE FROM parts; DELETE FROM unindexed')
}

function removeGoneFrom(ledger: Store, index: Store, id: number, first: number): void {
  const seqs = index.prepare<[], number>(`SELECT id FROM texts_${id}_docsize`).pluck().all()
  const gone = goneOf(ledger, seqs)
  const unindexed = index.prepare<[], number>('SELECT seq FROM unindexed').pluck().all()
  const unmark = index.prepare('DELETE FROM unindexed WHERE seq = ?')
  for (const seq of goneOf(ledger, unindexed)) unmark.run(seq)
  if (gone.length === seqs.length) {
    index.exec(`DROP TABLE texts_${id}`)
    index.prepare('DELETE FROM parts WHERE id = ?').run(id)
    return
  }
  removeFrom(index, id, gone, false)
  index.prepare('UPDATE parts SET min_block = ? WHERE id = ?').run(first, id)
}

function goneOf(ledger: Store, seqs: readonly number[]): number[] {
  const sql = `SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM exchanges WHERE seq = value)`
  return ledger.prepare<[string], number>(sql).pluck().all(JSON.stringify(seqs))
}

function removeFrom(index: Store, id: number, seqs: readonly number[], urgent: boolean): void {
  if (seqs.length === 0) return
  const remove = index.prepare(`DELETE FROM texts_${id} WHERE rowid = ?`)
  for (const seq of seqs) remove.run(seq)
  index
    .prepare('UPDATE parts SET tombstones = tombstones + ?, urgent = max(urgent, ?) WHERE id = ?')
    .run(seqs.length, urgent ? 1 : 0, id)
}

// FTS5: a negative count of pages merges all into one b-tree, which leaves out what was deleted; fewer than two changes: it is done.
function mergeSome(index: Store, id: number): boolean {
  const changes = index.prepare<[], number>('SELECT total_changes()').pluck()
  const before = changes.get() ?? 0
  index.prepare(`INSERT INTO texts_${id} (texts_${id}, rank) VALUES ('merge', ${-MERGE_PAGES})`).run()
  return (changes.get() ?? 0) - before >= 2
}

const partIds = (index: Store): number[] => index.prepare<[], number>('SELECT id FROM parts').pluck().all()

const PART_CHARACTERS = 64 * 2 ** 20
const MERGE_PAGES = 100
const PURGE_MS = 600_000

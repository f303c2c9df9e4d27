import type { Store } from '../../store/open.ts'
import type { LedgerFilter } from './filter.ts'
import { type ContentReader, type ContentRow, contentColumns } from '../bodies/read-content.ts'
import { folded, searchable } from './searchable.ts'
import { newest, openExchanges, select } from './selection.ts'
import { endedAfter } from './ended.ts'
import { textHits } from './text-index.ts'

/**
 * Exchanges in whose bodies the text stands, newest first. `unread`: how many bodies could not be looked into, since they are missing,
 * damaged, sealed with another key, or too large. `incomplete`: there was more to look into than one search may.
 */
export type TextFound = { readonly seqs: readonly number[]; readonly unread: number; readonly incomplete: boolean }

export type TextSearch = {
  readonly filter: LedgerFilter & { readonly text: string }
  readonly limit: number
  readonly beforeSeq: number
  readonly reader: ContentReader
}

/** The index only says where it need not be looked for: what a body holds decides. */
export async function searchTexts(place: Place, { filter, limit, beforeSeq, reader }: TextSearch): Promise<TextFound> {
  const wanted = folded(filter.text)
  const rows = candidates(place, { filter, beforeSeq }, wanted)
  const bodies = bodySearch(reader, wanted)
  const seqs: number[] = []
  for (const row of withContent(place.db, rows)) {
    if (seqs.length >= limit || bodies.exhausted()) break
    if ((await bodies.has(row, 'request')) || (await bodies.has(row, 'response'))) seqs.push(row.seq)
  }
  return { seqs, unread: bodies.unread(), incomplete: bodies.exhausted() }
}

type Place = { readonly db: Store; readonly dir: string }

/** Newest first: rows that fit, without those of which the index says that the text is not in them. */
function candidates(
  place: Place,
  { filter, beforeSeq }: Pick<TextSearch, 'filter' | 'beforeSeq'>,
  wanted: string,
): number[] {
  const hits = textHits(place, wanted)
  return select(place, { table: 'exchanges', filter, beforeSeq }, (selected) => {
    if (hits === undefined) return newest(selected, Infinity)
    // In the same moment of the ledger as the rows: what ended after the index was asked, or has not, may have it.
    const since = new Set(endedAfter(place.db, hits.throughBlock)?.exchanges)
    for (const seq of openExchanges(place.db)) since.add(seq)
    return newest(selected, Infinity, (seq) => hits.seqs.has(seq) || since.has(seq))
  })
}

type Row = ContentRow & { readonly seq: number }

/** Those of the rows that have a body; some at a time, for whoever reads them waits for files in between. */
function* withContent(db: Store, seqs: readonly number[]): Generator<Row> {
  const some = db.prepare<[string], Row>(
    `SELECT seq, ${contentColumns} FROM exchanges WHERE seq IN (SELECT value FROM json_each(?)) AND (request_body IS NOT NULL
      OR response_body IS NOT NULL OR request_spill IS NOT NULL OR response_spill IS NOT NULL) ORDER BY seq DESC`,
  )
  for (let at = 0; at < seqs.length; at += ROWS) yield* some.all(JSON.stringify(seqs.slice(at, at + ROWS)))
}

type BodySearch = {
  readonly has: (row: ContentRow, side: 'request' | 'response') => Promise<boolean> | boolean
  readonly unread: () => number
  readonly exhausted: () => boolean
}

function bodySearch(reader: ContentReader, wanted: string): BodySearch {
  let budget = FILE_BYTES
  let unread = 0

  async function hasRead(row: ContentRow, side: 'request' | 'response'): Promise<boolean> {
    const content = await reader.read(row, side)
    if (content.kind === 'unreadable') unread += 1
    if (content.kind !== 'content') return false
    if (typeof row[`${side}_spill`] === 'string') budget -= content.bytes.length
    return holds(content.bytes.toString('utf8'))
  }

  function holds(text: string): boolean {
    for (const part of searchable(text)) if (part.includes(wanted)) return true
    return false
  }

  function has(row: ContentRow, side: 'request' | 'response'): Promise<boolean> | boolean {
    const inline = row[`${side}_body`]
    if (row[`${side}_spill`] === null && inline === null) return false
    return row['body_key'] === null && typeof inline === 'string' ? holds(inline) : hasRead(row, side)
  }

  return { has, unread: () => unread, exhausted: () => budget <= 0 }
}

const ROWS = 256
const FILE_BYTES = 512 * 2 ** 20

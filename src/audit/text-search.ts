import type { Store } from '../store/open.ts'
import type { LedgerFilter } from './filter.ts'
import { type ContentReader, type ContentRow, contentColumns } from './read-content.ts'
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
  const one = place.db.prepare<[number], ContentRow>(`SELECT ${contentColumns} FROM exchanges WHERE seq = ?`)
  const bodies = bodySearch(reader, wanted)
  const seqs: number[] = []
  for (const seq of rows) {
    if (seqs.length >= limit || bodies.exhausted()) break
    const row = one.get(seq)
    if (row !== undefined && ((await bodies.has(row, 'request')) || (await bodies.has(row, 'response')))) seqs.push(seq)
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
    const rows = newest(selected, Infinity)
    if (hits === undefined) return rows
    // In the same moment of the ledger as the rows: what ended after the index was asked, or has not, may have it.
    const since = new Set(endedAfter(place.db, hits.throughBlock)?.exchanges)
    for (const seq of openExchanges(place.db)) since.add(seq)
    return rows.filter((seq) => hits.seqs.has(seq) || since.has(seq))
  })
}

type BodySearch = {
  readonly has: (row: ContentRow, side: 'request' | 'response') => Promise<boolean>
  readonly unread: () => number
  readonly exhausted: () => boolean
}

function bodySearch(reader: ContentReader, wanted: string): BodySearch {
  let budget = FILE_BYTES
  let unread = 0

  async function textOf(row: ContentRow, side: 'request' | 'response'): Promise<string> {
    const inline = row[`${side}_body`]
    if (row['body_key'] === null && typeof inline === 'string') return inline
    const content = await reader.read(row, side)
    if (content.kind === 'unreadable') unread += 1
    if (content.kind !== 'content') return ''
    if (typeof row[`${side}_spill`] === 'string') budget -= content.bytes.length
    return content.bytes.toString('utf8')
  }

  async function has(row: ContentRow, side: 'request' | 'response'): Promise<boolean> {
    for (const text of searchable(await textOf(row, side))) if (text.includes(wanted)) return true
    return false
  }

  return { has, unread: () => unread, exhausted: () => budget <= 0 }
}

const FILE_BYTES = 512 * 2 ** 20

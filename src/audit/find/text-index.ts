import { type Derived, openDerivedForReading } from '../../store/derived.ts'
import type { Store } from '../../store/open.ts'
import { cursorOf, cursorSql } from './chain-cursor.ts'
import { separator } from './trigrams.ts'

/**
 * `dir/index/text.db`: FTS5 tables of trigrams that say in which exchanges a text may stand, up to a block of the chain. No content is in
 * it, but its trigrams are. In parts, `texts_ID`, so that what is removed can soon be gone: an FTS5 table forgets only when it is
 * merged. `min_block`: no row of the part had its last entry before. `unindexed` are rows that have to be looked at.
 */
export const textFile: Derived = {
  name: 'text',
  version: 1,
  sql: `${cursorSql};
CREATE TABLE parts (
  id INTEGER PRIMARY KEY,
  bytes INTEGER NOT NULL DEFAULT 0,
  min_block INTEGER NOT NULL,
  tombstones INTEGER NOT NULL DEFAULT 0,
  urgent INTEGER NOT NULL DEFAULT 0,
  purged INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE unindexed (seq INTEGER PRIMARY KEY) STRICT`,
}

export const partSql = (id: number): string => `CREATE VIRTUAL TABLE texts_${id}
  USING fts5 (text, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram case_sensitive 1')`

/** What the index knows of a text: rows up to a block, and of these the ones that may have it. */
export type TextHits = { readonly throughBlock: number; readonly seqs: ReadonlySet<number> }

/** Asks the index. Undefined without a usable one, and for texts that have no three characters. */
export function textHits(place: { readonly db: Store; readonly dir: string }, wanted: string): TextHits | undefined {
  const query = queryOf(wanted)
  const index = query === undefined ? undefined : openDerivedForReading(place.dir, textFile)
  if (query === undefined || index === undefined) return undefined
  try {
    return index.transaction(() => {
      const cursor = cursorOf(index, place.db)
      return cursor === undefined ? undefined : { throughBlock: cursor.block, seqs: seqsOf(index, query) }
    })()
  } catch (thrown) {
    // A damaged index is as good as none; its writer makes it anew.
    if (isSqliteError(thrown)) return undefined
    throw thrown
  } finally {
    index.close()
  }
}

const isSqliteError = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('SQLITE_')

function seqsOf(index: Store, query: string): Set<number> {
  const seqs = new Set(index.prepare<[], number>('SELECT seq FROM unindexed').pluck().all())
  for (const id of index.prepare<[], number>('SELECT id FROM parts').pluck().all()) {
    const hits = index.prepare<[string], number>(`SELECT rowid FROM texts_${id} WHERE texts_${id} MATCH ?`).pluck()
    for (const seq of hits.iterate(query)) seqs.add(seq)
  }
  return seqs
}

/** All trigrams of the text, or some of a long one, of which each must be there. */
function queryOf(wanted: string): string | undefined {
  const characters = [...wanted]
  const trigrams = new Set<string>()
  for (let at = 0; at + 3 <= characters.length; at += 1) {
    const trigram = characters.slice(at, at + 3).join('')
    if (!trigram.includes('\0') && !trigram.includes(separator) && trigram.isWellFormed()) trigrams.add(trigram)
  }
  if (trigrams.size === 0) return undefined
  const step = Math.ceil(trigrams.size / TRIGRAMS)
  const chosen = [...trigrams].filter((_, i) => i % step === 0)
  return chosen.map((trigram) => `"${trigram.replaceAll('"', '""')}"`).join(' ')
}

const TRIGRAMS = 24

import { setTimeout } from 'node:timers/promises'
import { nextTurn } from '../../lib/async.ts'
import { removeDerived, withDerived } from '../../store/derived.ts'
import type { Store } from '../../store/open.ts'
import { cursorOf, type Cursor, setCursor, startOf } from './chain-cursor.ts'
import type { Chore, ChoreContext } from '../keeper/chores.ts'
import { type Ended, endedAfter } from './ended.ts'
import { contentReader, type ContentReader, type ContentRow, contentColumns } from '../bodies/read-content.ts'
import { searchable } from './searchable.ts'
import { textFile } from './text-index.ts'
import { type Gone, removeRows, partFor, purgeStep, removeGone, startParts } from './text-parts.ts'
import { separator, trigramThinner } from './trigrams.ts'

type Context = Pick<ChoreContext, 'settings' | 'db' | 'now'>

/**
 * Keeps the text index close behind the chain, and takes out of it what was erased or removed. The ledger is only read; with
 * `audit.search` off the file is removed.
 */
export function textIndexChore({ settings, db, now }: Context): Chore {
  const { dir, search } = settings
  const follower = { ledger: db, reader: contentReader({ dir, keys: [] }), thinned: trigramThinner() }
  return {
    name: 'text-index',
    everyMs: search ? 1_000 : 60_000,
    run: (signal) =>
      search
        ? withDerived(dir, textFile, (index) => follow({ ...follower, index }, now, signal))
        : removeDerived(dir, textFile),
  }
}

type Follower = {
  readonly ledger: Store
  readonly index: Store
  readonly reader: ContentReader
  readonly thinned: (text: string) => string
}

async function follow(follower: Follower, now: () => number, signal: AbortSignal): Promise<void> {
  const gone: Gone = { ledger: follower.ledger, index: follower.index, now }
  // What comes meanwhile is for the next round: this one has to end, and to take out what is gone.
  const through = lastBlock(follower.ledger)
  while (!signal.aborted && (await pacedStep(follower, through))) await nextTurn()
  while (!signal.aborted && removeGone(gone)) await nextTurn()
  while (!signal.aborted && purgeStep(gone)) await nextTurn()
}

/** Traffic has the processor too: half as long as it worked it rests. */
async function pacedStep(follower: Follower, through: number): Promise<boolean> {
  const started = performance.now()
  const more = await step(follower, through)
  await setTimeout((performance.now() - started) / 2)
  return more
}

/** Whether there is more to do up to a block. */
async function step(follower: Follower, through: number): Promise<boolean> {
  const { ledger, index } = follower
  const known = cursorOf(index, ledger)
  const cursor = known ?? startOf(ledger)
  if (known === undefined) index.transaction(() => startAnew(index, cursor)).immediate()
  const ended = endedAfter(ledger, cursor.block, STEP_ENTRIES)
  if (ended === undefined) return false
  for (let at = 0; at < ended.exchanges.length;) at = await addSome(follower, ended, at)
  setCursor(index, { ...cursor, block: ended.through, link: ended.link })
  return ended.through < through
}

const lastBlock = (ledger: Store): number =>
  ledger.prepare<[], number>('SELECT ifnull(max(n), -1) FROM chain').pluck().get() ?? -1

function startAnew(index: Store, cursor: Cursor): void {
  startParts(index)
  setCursor(index, cursor)
}

/** Some of the exchanges from `from` on; the place of the next. A row that is met again takes its own place. */
async function addSome({ ledger, index, reader, thinned }: Follower, ended: Ended, from: number): Promise<number> {
  const one = ledger.prepare<[number], ContentRow & { readonly block: number }>(
    `SELECT ${contentColumns}, block FROM exchanges WHERE seq = ? AND state <> 'open'`,
  )
  const texts: IndexedText[] = []
  let characters = 0
  let at = from
  for (; at < ended.exchanges.length && characters < STEP_CHARACTERS; at += 1) {
    const seq = ended.exchanges[at] as number
    const row = one.get(seq)
    if (row === undefined) continue
    const all = await textOf(reader, row)
    const text = all === undefined ? undefined : thinned(all)
    characters += all?.length ?? 0
    texts.push({ seq, block: row.block, text })
  }
  index.transaction(() => put(index, texts, new Set(ended.erased))).immediate()
  return at
}

type IndexedText = { readonly seq: number; readonly block: number; readonly text: string | undefined }

function put(index: Store, texts: readonly IndexedText[], erased: ReadonlySet<number>): void {
  const unindexed = index.prepare('INSERT OR REPLACE INTO unindexed (seq) VALUES (?)')
  removeRows(
    index,
    texts.map(({ seq }) => seq),
    erased.size > 0,
  )
  for (const { seq, block, text } of texts) {
    if (text === undefined) unindexed.run(seq)
    else if (text !== '') partFor(index, block, text.length).run(seq, text)
  }
}

/** All that can be found in a row's bodies; undefined when one of them cannot be read, or is too large for the memory of the thread. */
async function textOf(reader: ContentReader, row: ContentRow): Promise<string | undefined> {
  const texts: string[] = []
  for (const side of ['request', 'response'] as const) {
    const content = await reader.read(row, side, MOST_BYTES)
    if (content.kind === 'unreadable') return undefined
    if (content.kind === 'content') texts.push(...searchable(content.bytes.toString('utf8')))
  }
  return texts.join(separator)
}

const STEP_ENTRIES = 512
const STEP_CHARACTERS = 262_144
// A text is held in several spellings at once.
const MOST_BYTES = 4 * 2 ** 20

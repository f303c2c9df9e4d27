import { rewritten } from './rewrite.ts'
import type { Change, NormalForm } from './rewrite.ts'

/** Each stretch with changes near one another; of a long one what begins near the end of a window is in the next as well. */
export function* windows(text: string, changes: Iterable<Change | undefined>): Generator<NormalForm | undefined, void> {
  let near: Change[] = []
  let wordEnd = 0
  let end = 0
  for (const change of changes) {
    if (change === undefined) {
      yield undefined
      continue
    }
    const first = near[0]
    if (first !== undefined && (change.start > end || change.end - first.start > longestWindow)) {
      const goesOn = change.start <= end
      yield rewritten(text, before(text, first.start), goesOn ? change.start : end, near)
      near = goesOn ? near.filter(({ start }) => start >= change.start - longestWord) : []
    }
    near.push(change)
    if (change.end > wordEnd) wordEnd = wordEndFrom(text, change.end)
    end = Math.min(text.length, Math.max(wordEnd, change.end) + around)
  }
  const first = near[0]
  if (first !== undefined) yield rewritten(text, before(text, first.start), end, near)
}

/** The end of a text before `cut` with the changes there that belong together; undefined when it ends apart from any. */
export function lastWindow(text: string, changes: readonly Change[], cut: number): NormalForm | undefined {
  const last = changes.at(-1)
  if (last === undefined ? cut === text.length : isApart(text, last.end, cut)) return undefined
  const first = lastTogether(text, changes)
  const from = before(text, first === undefined ? cut : (changes[first] as Change).start)
  return rewritten(text, from, cut, first === undefined ? [] : changes.slice(first))
}

/** The index of the first of the changes at the end that belong together. */
function lastTogether(text: string, changes: readonly Change[]): number | undefined {
  if (changes.length === 0) return undefined
  let first = changes.length - 1
  while (first > 0 && !isApart(text, (changes[first - 1] as Change).end, (changes[first] as Change).start)) first--
  return first
}

function isApart(text: string, end: number, start: number): boolean {
  return start - end > around && wordEndFrom(text, end) + around < start
}

/** The beginning of the word at `at`, and of what may be its context. */
function before(text: string, at: number): number {
  const least = Math.max(0, at - longestWord)
  let start = at
  while (start > least && !isBreak(text.charCodeAt(start - 1))) start--
  return Math.max(0, Math.min(start, at) - around)
}

function wordEndFrom(text: string, at: number): number {
  const most = Math.min(text.length, at + longestWord)
  let end = at
  while (end < most && !isBreak(text.charCodeAt(end))) end++
  return end
}

function isBreak(code: number): boolean {
  return code <= 32 || code === 34 || code === 39 || code === 96
}

const around = 96
const longestWord = 2_048
const longestWindow = 32_768

import { lowBytesOf } from './low-bytes.ts'
import type { LowBytes } from './low-bytes.ts'

/** Letters and digits of base64 without a break, or with breaks of lines only: what may spell another text. */
export type CodedRun = {
  readonly start: number
  /** Behind the last of them, with padding. */
  readonly end: number
  /** All of them, without line breaks and padding. */
  readonly chars: string
  /** Of each line, where it stands in `chars` and in the text. */
  readonly lines: readonly Line[]
}

type Line = { readonly at: number; readonly start: number; readonly end: number }

/**
 * Runs of at least `shortest` characters whose first line is `likely` to be one that counts, with the lines behind. Looks at few
 * characters where there is none. Nothing is given from time to time, for others to have their turn.
 */
export function* codedRuns(
  text: string,
  likely: (text: string, start: number, end: number) => boolean,
  low: LowBytes = lowBytesOf(text),
): Generator<CodedRun | undefined, void> {
  let rest = block
  for (let from = 0, at = 0; at + shortest <= text.length;) {
    if (at > rest) {
      rest = at + block
      yield undefined
    }
    low.cover(at)
    const start = runInBlock(text, from, at, low)
    if (start < 0) {
      at = ~start
      continue
    }
    const end = runEnd(text, start + shortest)
    const first = isMarked(text, start, end) ? start + 2 : start
    const run = likely(text, first, end) ? runFrom(text, first, end) : undefined
    if (run !== undefined) yield run
    from = at = run?.end ?? end
  }
}

/** The beginning of a run, or as its complement the place of the next sample behind the block. */
function runInBlock(text: string, from: number, at: number, { pairs, bytes, from: first, to }: LowBytes): number {
  const last = (to - first - (to === text.length ? sample : 2 * shortest)) >> 1
  let i = (at - first + 1) >> 1
  for (; i <= last; i += stride) {
    if ((isPair(pairs, i) & isPair(pairs, i + 1) & isPair(pairs, i + 2) & isPair(pairs, i + 3)) === 0) continue
    // A run of which this is the first sample has four more characters before it, or eight behind it.
    if (
      i > 1 &&
      (isPair(pairs, i - 1) & isPair(pairs, i - 2)) === 0 &&
      (isPair(pairs, i + 4) & isPair(pairs, i + 5) & isPair(pairs, i + 6) & isPair(pairs, i + 7)) === 0
    )
      continue
    if (!couldBeRun(bytes, i << 1, to - first)) continue
    const start = runRound(text, from, first + (i << 1))
    if (start !== -1) return start
  }
  return ~(first + (i << 1))
}

function isPair(pairs: Uint16Array, at: number): number {
  return pairKinds[pairs[at] as number] as number
}

/** By the bytes round a sample. */
function couldBeRun(bytes: Uint8Array, at: number, length: number): boolean {
  let start = at
  while (start > 0 && at - start < shortest && isIn(bytes[start - 1] as number, inRun)) start--
  let end = at + sample
  while (end < length && end < start + shortest && isIn(bytes[end] as number, inRun)) end++
  return end >= start + shortest
}

/** The beginning of the run that has all of the sample at `at`, not before `from`; -1 when there is none that is long enough. */
function runRound(text: string, from: number, at: number): number {
  for (let i = at + sample - 1; i >= at; i--) if (!isIn(text.charCodeAt(i), inRun)) return -1
  let start = at
  while (start > from && isIn(text.charCodeAt(start - 1), inRun)) start--
  let end = at + sample
  while (end < start + shortest && isIn(text.charCodeAt(end), inRun)) end++
  return end < start + shortest ? -1 : start
}

/** The run that ends before `end`, also one that is shorter; `joined`: only one that a line break sets apart from what follows. */
export function runBefore(
  text: string,
  end: number,
  joined = false,
): { chars: string; start: number; before: number } | undefined {
  const gap = gapBefore(text, end)
  if (joined && gap === 0) return undefined
  const to = end - gap
  let start = to
  while (start > 0 && text[start - 1] === '=') start--
  const last = start
  const least = Math.max(0, last - longestPending)
  while (start > least && isIn(text.charCodeAt(start - 1), inRun)) start--
  if (isMarked(text, start, last)) start += 2
  if (start === last || (joined && last - start < shortest)) return undefined
  return { chars: text.slice(start, last), start, before: start }
}

function gapBefore(text: string, end: number): number {
  const code = text.charCodeAt(end - 1)
  if (code > 32 && code !== 110 && code !== 62 && code !== 124 && code !== 35 && code !== 42) return 0
  const near = text.slice(Math.max(0, end - 24), end)
  return near.includes('\n') || near.includes('\\') ? (lineBreakBefore.exec(near)?.[0].length ?? 0) : 0
}

/** The place in the text of the character at `index` of the run, or behind the one before it. */
export function placeIn({ lines, chars, end }: CodedRun, index: number, behind = false): number {
  if (behind && index >= chars.length) return end
  let low = 0
  let high = lines.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((lines[middle] as Line).at < index + (behind ? 0 : 1)) low = middle
    else high = middle - 1
  }
  const line = lines[low] as Line
  return Math.min(line.start + index - line.at, line.end)
}

export function isIn(code: number, kind: number): boolean {
  return code < 128 && ((kinds[code] as number) & kind) !== 0
}

function runFrom(text: string, start: number, firstEnd: number): CodedRun {
  const lines: Line[] = [{ at: 0, start, end: firstEnd }]
  const parts = [text.slice(start, firstEnd)]
  let length = firstEnd - start
  let end = firstEnd
  for (let next = nextLine(text, end, lines); next !== undefined; next = nextLine(text, end, lines)) {
    lines.push({ at: length, ...next })
    parts.push(text.slice(next.start, next.end))
    length += next.end - next.start
    end = next.end
  }
  while (text[end] === '=' && end - firstEnd < length) end++
  return { start, end, chars: parts.join(''), lines }
}

/** Lines behind the second are as long as that; one that is shorter is the last. */
function nextLine(text: string, from: number, lines: readonly Line[]): { start: number; end: number } | undefined {
  const code = text.charCodeAt(from)
  if (code !== 10 && code !== 13 && code !== 92) return undefined
  lineBreak.lastIndex = from
  const gap = lineBreak.exec(text)?.[0].length
  if (gap === undefined) return undefined
  const start = from + gap
  const end = runEnd(text, start)
  const previous = lines.at(-1) as Line
  const second = lines[1] ?? (lines[0] as Line)
  if (previous.end - previous.start < second.end - second.start || end === start) return undefined
  if (!lineEnd.test(text.slice(end, end + 3))) return undefined
  return lines.length > 1 && end - start > second.end - second.start ? undefined : { start, end }
}

function runEnd(text: string, from: number): number {
  let end = from
  const most = Math.min(text.length, from + longest)
  while (end < most && isIn(text.charCodeAt(end), inRun)) end++
  return end
}

/** `0x` before hexadecimal digits. */
function isMarked(text: string, start: number, end: number): boolean {
  return end - start > 2 && text[start] === '0' && (text[start + 1] === 'x' || text[start + 1] === 'X')
}

export const inRun = 1
export const inHex = 4
const kinds = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code)
  return (/[A-Za-z0-9+/_-]/.test(char) ? inRun : 0) | (/[0-9A-Fa-f]/.test(char) ? inHex : 0)
})
// 15 bytes: less is too often a name or a hash that looks like text, and hardly a value.
const shortest = 20
// Of samples of so many characters that begin so many pairs apart a run of the shortest length has all of one.
const sample = 8
const stride = 6
const pairKinds = Uint8Array.from({ length: 65_536 }, (_, pair) =>
  isIn(pair & 255, inRun) && isIn(pair >> 8, inRun) ? 1 : 0,
)
const lineEnd = /^(?:$|[\r\n\\="'`<)\]}])/
const lineBreak = /(?:\r?\n|(?:\\{1,3}r)?\\{1,3}n)[ \t>|#*]{0,16}/y
const lineBreakBefore = /(?:\r?\n|(?:\\{1,3}r)?\\{1,3}n)[ \t>|#*]{0,16}$/
const longestPending = 4_096
const block = 131_072
// A multiple of what all codings count in: what is longer goes on as another run.
const longest = 524_280

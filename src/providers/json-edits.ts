import { scanJson } from './json-scan.ts'
import type { JsonTree } from './json-scan.ts'
import { endOf, kindOf, startOf, stringOf } from './json-tree.ts'
import { jsonOffsets, spelled } from './spelling.ts'

/** Replaces [start, end) of a text. */
export type Splice = { readonly start: number; readonly end: number; readonly text: string }

/**
 * The splices of a text, which are sorted and do not overlap, so that a text that is a JSON document stays one: what is put into a
 * string is escaped, a number becomes a string, brackets and commas stay. Documents in strings too, down to three levels.
 */
export function keepingJson(text: string, splices: readonly Splice[], level = 1): readonly Splice[] {
  const first = /\S/.exec(text)?.[0]
  if (level > deepest || (first !== '{' && first !== '[')) return splices
  const tree = scanJson(text)
  if (tree === undefined) return splices
  const kept: Kept[] = []
  let at = 0
  for (let node = 0; node < tree.size && at < splices.length; node++) {
    const kind = kindOf(tree, node)
    if (kind === 'object' || kind === 'array') continue
    const [start, end] = [startOf(tree, node), endOf(tree, node)]
    while (at < splices.length && (splices[at] as Splice).end <= start && !touches(splices[at] as Splice, start)) at++
    const own = splices.slice(at, endOfOwn(splices, at, end))
    if (own.length > 0)
      kept.push(...(kind === 'string' ? inString(tree, node, own, level) : inScalars(text, own, start, end)))
  }
  return kept.map((splice, i) => (isRest(kept, i) ? { ...splice, text: splice.rest ?? '' } : splice))
}

function touches({ start, end }: Splice, at: number): boolean {
  return start === end && start === at
}

function endOfOwn(splices: readonly Splice[], from: number, end: number): number {
  let at = from
  while (at < splices.length && (splices[at] as Splice).start < end) at++
  return at
}

/** `of`: the splice it was made of; `rest`: what stands there when it is not the first of that. */
type Kept = Splice & { readonly of?: Splice; readonly rest?: string }

/** A splice that goes over several values puts its text into the first of them. */
function isRest(kept: readonly Kept[], i: number): boolean {
  const of = kept[i]?.of
  return of !== undefined && kept[i - 1]?.of === of
}

function inString(tree: JsonTree, node: number, own: readonly Splice[], level: number): Kept[] {
  const { text } = tree
  const [start, end] = [startOf(tree, node), endOf(tree, node)]
  const inside = stringOf(tree, node) as string
  const toDecoded = decodedOffsets(text, start, end)
  const within = own.map((splice) => ({
    start: toDecoded(Math.max(splice.start, start), false),
    end: toDecoded(Math.min(splice.end, end), true),
    text: splice.text,
  }))
  const deeper = keepingJson(inside, within, level + 1)
  const raw = jsonOffsets(text, start)
  return deeper.map((splice, i) => ({
    start: raw(splice.start),
    end: raw(splice.end),
    text: spelled(splice.text, ['json']),
    ...(deeper === within ? { of: own[i] } : {}),
  }))
}

/** Numbers, true, false, null, or several with commas between: each that is touched becomes a string. */
function inScalars(text: string, own: readonly Splice[], from: number, to: number): Kept[] {
  const strings: Kept[] = []
  for (const splice of own) {
    let start = Math.max(splice.start, from)
    let end = Math.min(splice.end, to)
    while (start < end && !scalar.test(text.charAt(start))) start++
    while (end > start && !scalar.test(text.charAt(end - 1))) end--
    if (start === end) continue
    const [first, last] = [start, end]
    while (start > from && scalar.test(text.charAt(start - 1))) start--
    while (end < to && scalar.test(text.charAt(end))) end++
    const whole = text.slice(start, first) + splice.text + text.slice(last, end)
    if (start >= (strings.at(-1)?.end ?? 0))
      strings.push({ start, end, text: spelled(whole, ['number']), of: splice, rest: '""' })
  }
  return strings
}

/** From an offset in the raw inside of a string to one in what it says; within an escape, to its beginning or its end. */
function decodedOffsets(text: string, start: number, end: number): (raw: number, up: boolean) => number {
  if (!text.slice(start, end).includes('\\')) return (raw) => raw - start
  const starts: number[] = []
  for (let at = start; at < end; at += text.charCodeAt(at) !== 92 ? 1 : text.charCodeAt(at + 1) === 117 ? 6 : 2)
    starts.push(at)
  return (raw, up) => {
    let low = 0
    let high = starts.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((starts[middle] as number) < raw) low = middle + 1
      else high = middle
    }
    return up || starts[low] === raw ? low : Math.max(0, low - 1)
  }
}

const scalar = /[\w.+-]/
const deepest = 3

import type { TextPart } from '../core/text.ts'
import type { Match } from '../core/verdict.ts'

/**
 * Where one text ends and the next of the same message or speaker begins: a value may go on there, or the words that tell what it is
 * may have come before. What is looked through is the end of the one and the beginning of the other, as one text.
 */
export type Seam = {
  /** The parts are this one and the next. */
  readonly first: number
  readonly part: TextPart
  /** Where the first text's end begins in it, and the length of that end. */
  readonly base: number
  readonly length: number
  /** What stands between the two: nothing, as if a value had been cut, or a blank. */
  readonly between: 0 | 1
  /** The second text is longer than what is looked at. */
  readonly more: boolean
}

/** Those with a blank first: a value that is whole behind it was not cut. */
export function seamsOf(parts: readonly TextPart[]): readonly Seam[] {
  let seams: Seam[] | undefined
  for (let i = 0; i + 1 < parts.length; i++) {
    const first = parts[i]!
    const second = parts[i + 1]!
    if (first.role !== second.role || first.kind !== second.kind || !joinable.has(first.kind)) continue
    if (!isNext(first.path, second.path)) continue
    seams ??= []
    if (seams.length > most) break
    if (goesOn.test(first.text.slice(-8).trimEnd())) seams.push(seam(i, first, second, 1))
    const last = first.text.charCodeAt(first.text.length - 1)
    if (isOfValue(last) && isOfValue(second.text.charCodeAt(0))) seams.push(seam(i, first, second, 0))
  }
  return seams ?? none
}

/**
 * A match in a seam's text as one in each of the two texts it covers, by the part's index; none when it tells nothing that is not
 * known (`own` is by part), may be an artefact of the cut, or takes a leap of faith.
 */
export function carriedOver(
  seam: Seam,
  match: Match,
  own: readonly (readonly Match[])[],
): [part: number, match: Match][] {
  const { first, base, length, between, more, part } = seam
  const { start, end } = match
  const beyond = length + between
  if (end <= beyond || (more && end === part.text.length)) return []
  const after = { ...match, start: Math.max(0, start - beyond), end: end - beyond }
  if (isKnown(own[first + 1], after)) return []
  if (start >= length) {
    const told =
      between === 1 && start - beyond <= near && endsInWords.test(part.text.slice(Math.max(0, length - 64), length))
    return told ? [[first + 1, after]] : []
  }
  const before = { ...match, start: base + start, end: base + length }
  if (match.confidence < sure[between] || (start === 0 && base > 0) || isKnown(own[first], before)) return []
  return [
    [first, before],
    [first + 1, after],
  ]
}

/** What was found in one text alone is no more than that. */
function isKnown(own: readonly Match[] | undefined, { type, start, end }: Match): boolean {
  return own?.some((one) => one.type === type && one.start < end && one.end > start) === true
}

function seam(at: number, first: TextPart, second: TextPart, between: 0 | 1): Seam {
  const base = Math.max(0, first.text.length - reach)
  const end = first.text.slice(base)
  const text = `${end}${between === 0 ? '' : ' '}${second.text.slice(0, reach)}`
  const part = { ...first, text }
  return { first: at, part, base, length: end.length, between, more: second.text.length > reach }
}

/** Whether the paths are alike but for one index, which is the next, and which something follows: `content[0].text`, not `input[0]`. */
function isNext(first: string, second: string): boolean {
  let from = 0
  while (from < first.length && first.charCodeAt(from) === second.charCodeAt(from)) from++
  const open = first.lastIndexOf('[', from)
  const close = first.indexOf(']', from)
  const closing = second.indexOf(']', from)
  if (open === -1 || close === -1 || closing === -1 || first.lastIndexOf(']', from - 1) > open) return false
  const rest = first.slice(close + 1)
  if (rest === '' || rest !== second.slice(closing + 1)) return false
  return Number(second.slice(open + 1, closing)) === Number(first.slice(open + 1, close)) + 1
}

/** Characters that values are made of. */
function isOfValue(code: number): boolean {
  if (code > 47 && code < 58) return true
  const letter = code | 32
  return (letter > 96 && letter < 123) || code === 95 || code === 45 || code === 43 || code === 47 || code === 64
}

const joinable: ReadonlySet<string> = new Set(['message', 'tool-result'])
// Not after the end of a sentence.
const goesOn = /[\p{L}\p{N}:=,("'`-]$/u
// What has its own value next to it says nothing of another.
const endsInWords = /(?:^|\s)[^\s\d]+\s*$/
const reach = 512
const near = 128
// Glued to the next word, harmless strings look like secrets to rules that know no more than that a secret is odd.
const sure = [0.9, 0.8] as const
const most = 4_096
const none: readonly Seam[] = []

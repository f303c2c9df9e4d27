import { brokenNumbers, brokenNumberTail } from './broken-numbers.ts'
import { decodings, encodedFrom } from './encoded.ts'
import { partialFrom, unescaped, unescapedTail, unquoted } from './escapes.ts'
import { joined, joinedTails } from './joined.ts'
import { lowBytesOf } from './low-bytes.ts'
import { placeBefore, pendingThroughForm } from './normal-form.ts'
import { keywordsPendingIn, pendingIn } from './pending.ts'
import type { Plan } from './plan.ts'
import type { NormalForm } from './rewrite.ts'
import type { Candidate } from './scan.ts'
import { hexFrom, hexLists, spacedOut, spacedTails } from './spaced.ts'

/** A text (or part of one) as somebody could read it who does not take it as it stands, and which matches in it count. */
export type Disguise = {
  readonly form: NormalForm
  readonly counts: (candidate: Candidate) => boolean
  /** Of those that have the same number only the first that gives something counts. */
  readonly only?: number
  /** Not to be searched for disguises again. */
  readonly shallow?: boolean
}

/** `prefixes` and `taken` as for `joined`. Nothing is given from time to time, for others to have their turn. */
export function* disguises(
  text: string,
  prefixes: readonly number[],
  taken: (start: number) => number,
): Generator<Disguise | undefined, void> {
  for (const form of unescaped(text)) {
    yield form && { form, counts: (one) => isSure(one) && (isChanged(one, form, text) || isSetApart(one, form)) }
  }
  for (const form of unquoted(text)) {
    yield form && { form, counts: (one) => isSure(one) && isChanged(one, form, text), shallow: true }
  }
  const low = lowBytesOf(text)
  for (const form of decodings(text, low)) yield form && { form, counts: isSure }
  yield undefined
  for (const form of hexLists(text)) yield form && { form, counts: isSure }
  for (const spaced of spacedOut(text, low)) {
    if (spaced === undefined) yield undefined
    const { apart, decoded } = spaced ?? {}
    if (decoded !== undefined) yield { form: decoded, counts: isSure }
    if (apart !== undefined) yield { form: apart, counts: (one) => isCertain(one) && isChanged(one, apart, text) }
  }
  yield undefined
  for (const form of brokenNumbers(text)) {
    yield form && { form, counts: (one) => isChecked(one) && isChanged(one, form, text) }
  }
  for (const form of joined(text, prefixes, taken)) {
    if (form === undefined) {
      yield undefined
      continue
    }
    const begins = ({ match }: Candidate): boolean => form.startOf(match.start) === form.prefix
    const counts = (one: Candidate): boolean => isCertain(one) && begins(one) && isChanged(one, form, text)
    yield { form, counts, only: form.prefix, shallow: true }
  }
}

/** The first place from which a text in normal form could be the beginning of a match in disguise; its length when there is none. */
export function disguisedFrom(plan: Plan, text: string, depth: number): number {
  let least = Math.min(text.length, encodedFrom(text), hexFrom(text), partialFrom(text))
  for (const apart of spacedTails(text)) least = Math.min(least, placeBefore(pendingIn(plan, apart.text), apart, text))
  const number = brokenNumberTail(text)
  if (number !== undefined) least = Math.min(least, placeBefore(pendingIn(plan, number.text), number, text))
  for (const whole of joinedTails(text)) {
    least = Math.min(least, placeBefore(keywordsPendingIn(plan, whole.text), whole, text))
  }
  for (const form of unescapedTail(text)) {
    const pending = pendingThroughForm(form.text, (normal) => {
      const plain = pendingIn(plan, normal)
      return depth > 1 ? Math.min(plain, disguisedFrom(plan, normal, depth - 1)) : plain
    })
    least = Math.min(least, placeBefore(pending, form, text))
  }
  return least
}

/** In what stands as it is, the text itself has been searched. */
function isChanged({ match }: Candidate, form: NormalForm, text: string): boolean {
  const { start, end } = match
  return text.slice(form.startOf(start), form.endOf(end)) !== form.text.slice(start, end)
}

/** An escape right beside it reads as another character: `%20` ends in a digit, and is a space. */
function isSetApart({ match }: Candidate, form: NormalForm): boolean {
  const before = match.start > 0 && form.endOf(match.start) - form.startOf(match.start - 1) > 1
  const after = match.end < form.text.length && form.endOf(match.end + 1) - form.startOf(match.end) > 1
  return before || after
}

function isSure({ match }: Candidate): boolean {
  return match.confidence >= 0.7
}

/** By its own prefix or checksum, not by what stands round it. */
function isCertain(one: Candidate): boolean {
  return one.rule.secret ? one.match.confidence >= 0.85 : isChecked(one)
}

function isChecked({ rule, match }: Candidate): boolean {
  return !rule.secret && rule.check !== undefined && match.confidence >= 0.75
}

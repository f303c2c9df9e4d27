import type { Match } from '../core/verdict.ts'
import type { Compiled } from './compiled.ts'
import { disguisedFrom, disguises } from './disguises.ts'
import { carriedBack, longestPending, normalForm, normalize, pendingThroughForm, placeBefore } from './normal-form.ts'
import type { NormalForm } from './rewrite.ts'
import { resolved, resolvedInSteps } from './overlaps.ts'
import { isOpen, pendingIn } from './pending.ts'
import type { Reach } from './pending.ts'
import type { Plan } from './plan.ts'
import { scan } from './scan.ts'
import type { Candidate, Scan } from './scan.ts'
import { tagged, taggedFrom } from './tagged.ts'

/** What one rule set wants of the rules of a plan. */
export type View = { readonly rules: ReadonlySet<Compiled>; readonly least: number }

/** A text that is gone through once for several rule sets, each of which judges by itself what was found. */
export type Reading = {
  /** Looks at about `chars` more characters; false when nothing is left to look at. */
  readonly advance: (chars: number) => boolean
  /** For each set in order what it alone would find. To be asked when nothing is left to look at. */
  readonly found: () => readonly (readonly Match[])[]
  /**
   * No more than the least of what the sets alone would say. To be asked then, too. `from`: when less of the text was there, nothing before it
   * was pending.
   */
  readonly pendingFrom: (from?: number) => number
  /** After `pendingFrom`: from where on the text is needed to judge what may follow, if that is far before it. */
  readonly neededFrom?: () => number
  /** What was looked at so far, in characters of ordinary cost, where characters cost more. */
  readonly spent?: () => number
  /** How many matches there are so far, before it is settled which of those that overlap count. */
  readonly matches?: () => number
}

/** `key` is the name under which the text stands, or nothing. */
export function readingOf(plan: Plan, views: readonly View[], text: string, key: string): Reading {
  const ascii = !foreign.test(text)
  const normalizing = ascii ? undefined : normalize(text)
  let form: NormalForm | undefined
  let scanned = ascii ? scan(plan, text, key) : undefined
  let hunt: Generator<number, void> | undefined
  let unseen: Generator<number, void> | undefined
  let settling: Generator<number, void> | undefined
  let settled: (readonly Match[])[] | undefined
  const hidden: Candidate[] = []
  const invisible: Candidate[] = []
  // What was done besides the scan, in characters.
  let other = 0
  const advance = (chars: number): boolean => {
    if (scanned === undefined) {
      other += Math.min(chars, text.length)
      if (normalizing?.advance(Math.ceil(chars / normalizingCost)) === true) return true
      form = normalizing?.form()
      scanned = scan(plan, form?.text ?? text, key)
      // To come to the normal form of a long text was a step of its own.
      if (text.length > chars) return true
    }
    if (hunt === undefined) {
      if (scanned.advance(chars)) return true
      hunt = hunting(plan, form?.text ?? text, scanned, hidden, { depth: deepest, left: mostRead })
      unseen = ascii ? undefined : huntingUnseen(plan, text, invisible)
      if (text.length > chars) {
        other += chars
        return true
      }
    }
    if (goesOn(hunt, chars) || (unseen !== undefined && goesOn(unseen, chars))) return true
    if (count() <= mostAtOnce || chars === Infinity) return false
    settling ??= settle()
    return goesOn(settling, chars)
  }
  const count = (): number => (scanned?.found.length ?? 0) + hidden.length + invisible.length
  const settle = function* (): Generator<number, void> {
    const candidates: Candidate[] = []
    for (const some of [scanned?.found ?? none, hidden]) {
      for (const one of some) {
        candidates.push(form === undefined ? one : carried(one, form))
        if (candidates.length % mostAtOnce === 0) yield pace
      }
    }
    for (const one of invisible) candidates.push(one)
    const all: Match[][] = []
    for (const view of views) {
      const matches: Match[] = []
      for (let from = 0; from < candidates.length; from += mostAtOnce) {
        yield pace
        for (const match of seen(view, candidates.slice(from, from + mostAtOnce))) matches.push(match)
      }
      const steps = resolvedInSteps(matches)
      let step = steps.next()
      for (; step.done !== true; step = steps.next()) yield pace
      all.push(step.value)
    }
    settled = all
  }
  const goesOn = (steps: Generator<number, void>, chars: number): boolean => {
    for (const limit = other + chars; other < limit;) {
      const step = steps.next()
      if (step.done === true) return false
      other += step.value
    }
    return true
  }
  /** What was found, where it stands in the text. */
  const placed = (): readonly Candidate[] => {
    const inForm = scanned?.found ?? none
    const together = hidden.length === 0 ? inForm : [...inForm, ...hidden]
    const carriedHere = form === undefined ? together : together.map((one) => carried(one, form as NormalForm))
    return invisible.length === 0 ? carriedHere : [...carriedHere, ...invisible]
  }
  const found = (): readonly (readonly Match[])[] => {
    if (settled !== undefined) return settled
    const candidates = placed()
    const byKey = key !== '' && text.length <= longestValue ? findByKey(plan, text, key) : none
    return views.map((view) => (candidates.length + byKey.length === 0 ? noMatches : seenBy(view, candidates, byKey)))
  }
  const reach: Reach = { from: text.length }
  const beginningFrom = (from: number): number => {
    // Where words end has just been noted, if the text is one piece.
    if (scanned === undefined || !ascii || text.length > longestPending || plan.notes.of !== scanned)
      return pendingFromOf(plan, text, reach)
    return Math.min(pendingIn(plan, text, scanned.state(), from, reach), disguisedFrom(plan, text, deepest))
  }
  const pendingFrom = (from = 0): number => {
    const pending = beginningFrom(from)
    if (scanned === undefined) return pending
    const unsure = uncertainFrom(scanned, form?.text ?? text)
    const certain = form === undefined ? unsure : placeBefore(unsure, form, text)
    const all = placed()
    const least = Math.min(pending, certain)
    return all.length === 0 ? least : Math.min(...views.map((view) => clearOf(view, all, least)))
  }
  const neededFrom = (): number => reach.from
  return { advance, found, pendingFrom, neededFrom, spent: () => other + (scanned?.spent() ?? 0), matches: count }
}

/** `reach` is moved as `pendingIn` does. */
export function pendingFromOf(plan: Plan, text: string, reach: Reach = { from: text.length }): number {
  const reaches = new Map<string, number>()
  const inNormal = (normal: string): number => {
    const inside: Reach = { from: normal.length }
    const pending = Math.min(pendingIn(plan, normal, undefined, 0, inside), disguisedFrom(plan, normal, deepest))
    if (inside.from < normal.length) reaches.set(normal, inside.from)
    return pending
  }
  const pending = Math.min(pendingThroughForm(text, inNormal), taggedFrom(text))
  if (reaches.size > 0) reach.from = pendingThroughForm(text, (normal) => reaches.get(normal) ?? normal.length)
  return pending
}

/** The least place of a match that more text could change or deny. */
function uncertainFrom({ found, unsure }: Scan, text: string): number {
  let least = unsure()
  for (const one of found) if (one.match.start < least && isOpen(one, text)) least = one.match.start
  return least
}

/** `pending`, before everything that overlaps with something that is pending: what comes may win or lose against it. */
function clearOf(view: View, found: readonly Candidate[], pending: number): number {
  const near = found.filter((one) => isFor(view, one))
  let clear = pending
  for (const { match } of near.toSorted((a, b) => b.match.start - a.match.start)) {
    if (match.end > clear && match.start < clear) clear = match.start
  }
  return clear
}

function isFor({ rules, least }: View, { rule, match }: Candidate): boolean {
  return match.confidence >= least && rules.has(rule)
}

type Bounds = { readonly depth: number; left: number }

/** Adds what is found in disguises of a text in normal form, and in what those hold in disguise. Yields how much has been read. */
function* hunting(
  plan: Plan,
  text: string,
  { found, prefixes }: Pick<Scan, 'found' | 'prefixes'>,
  hidden: Candidate[],
  bounds: Bounds,
): Generator<number, void> {
  if (text.length < shortestDisguise) return
  const taken = prefixes.length === 0 ? noMatchAt : yield* endsOfMatches(found)
  let settled = -1
  for (const disguise of disguises(text, prefixes, taken)) {
    if (disguise === undefined) {
      yield Math.min(pace, text.length)
      continue
    }
    const { form, counts, only, shallow } = disguise
    if (only !== undefined && only === settled) continue
    bounds.left -= form.text.length
    if (bounds.left < 0) return
    const inner: Candidate[] = []
    const before = hidden.length
    yield* reading(plan, form.text, inner, bounds, shallow === true ? 0 : bounds.depth - 1)
    for (let i = 0; i < inner.length; i++) {
      const one = inner[i] as Candidate
      if (counts(one)) hidden.push(carried(one, form))
      if (i % mostAtOnce === mostAtOnce - 1) yield pace
    }
    if (hidden.length > before && only !== undefined) settled = only
  }
}

function* huntingUnseen(plan: Plan, text: string, found: Candidate[]): Generator<number, void> {
  for (const form of tagged(text)) {
    const inner: Candidate[] = []
    yield* reading(plan, form.text, inner, { depth: deepest, left: mostRead }, deepest - 1)
    for (const one of inner) found.push(carried(one, form))
  }
}

/** What stands in a text that another one spells. */
function* reading(
  plan: Plan,
  text: string,
  inner: Candidate[],
  bounds: Bounds,
  depth: number,
): Generator<number, void> {
  const normalizing = normalize(text)
  while (normalizing.advance(pace)) yield pace
  const form = normalizing.form()
  const normal = form?.text ?? text
  const scanned = scan(plan, normal, '')
  while (scanned.advance(pace)) yield pace
  const hidden: Candidate[] = []
  if (depth > 0) {
    const deeper: Bounds = { depth, left: bounds.left }
    yield* hunting(plan, normal, scanned, hidden, deeper)
    bounds.left = deeper.left
  }
  for (const one of [...scanned.found, ...hidden]) {
    inner.push(form === undefined ? one : carried(one, form))
    if (inner.length % mostAtOnce === 0) yield pace
  }
  yield Math.max(leastCost, Math.min(pace, text.length))
}

/** Where the longest match ends that starts at a place; 0 when none does. */
export function* endsOfMatches(found: readonly Candidate[]): Generator<number, (start: number) => number> {
  const ends = new Map<number, number>()
  for (let i = 0; i < found.length; i++) {
    const { start, end } = (found[i] as Candidate).match
    if (end > (ends.get(start) ?? 0)) ends.set(start, end)
    if (i % mostAtOnce === mostAtOnce - 1) yield pace
  }
  return (start) => ends.get(start) ?? 0
}

function carried({ rule, match, at }: Candidate, form: NormalForm): Candidate {
  return { rule, match: carriedBack(match, form), at: form.startOf(at) }
}

/** A text that is the whole value of a key, as `key="text"`. */
function findByKey(plan: Plan, text: string, key: string): Candidate[] {
  const before = `${key}="`
  const whole = `${before}${text}"`
  const form = normalForm(whole)
  const scanned = scan(plan, form?.text ?? whole, '')
  scanned.advance(Infinity)
  const found: Candidate[] = []
  for (const { rule, match } of scanned.found) {
    const one = form === undefined ? match : carriedBack(match, form)
    const start = one.start - before.length
    const end = one.end - before.length
    if (start >= 0 && end <= text.length) found.push({ rule, match: { ...one, start, end }, at: start })
  }
  return found
}

function seenBy(view: View, candidates: readonly Candidate[], byKey: readonly Candidate[]): Match[] {
  const matches = seen(view, candidates)
  for (const one of byKey) if (isFor(view, one)) matches.push(one.match)
  return resolved(matches)
}

function seen(view: View, candidates: readonly Candidate[]): Match[] {
  const matches: Match[] = []
  for (const one of candidates) if (isFor(view, one)) matches.push(one.match)
  return matches
}

const foreign = /[^\x00-\x7f]/
const none: readonly Candidate[] = []
const noMatchAt = (): number => 0
const noMatches: readonly Match[] = []
// Characters beyond ASCII take that much longer, at worst.
const normalizingCost = 16
const longestValue = 512
const deepest = 3
const mostRead = 4_194_304
const pace = 16_384
// What a form costs however short it is, in characters.
const leastCost = 2_048
const shortestDisguise = 8
// So many are gone through before others have their turn.
const mostAtOnce = 4_096

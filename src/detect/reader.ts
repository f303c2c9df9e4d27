import type { Match } from '../core/verdict.ts'
import type { Compiled } from './compiled.ts'
import { decodings, encodedFrom } from './encoded.ts'
import { carriedBack, longestPending, normalForm, normalize, pendingThroughForm, placeBefore } from './normal-form.ts'
import type { NormalForm } from './normal-form.ts'
import { resolved } from './overlaps.ts'
import { pendingIn } from './pending.ts'
import type { Plan } from './plan.ts'
import { scan } from './scan.ts'
import type { Candidate } from './scan.ts'

/** What one rule set wants of the rules of a plan. */
export type View = { readonly rules: ReadonlySet<Compiled>; readonly least: number }

/** A text that is gone through once for several rule sets, each of which judges by itself what was found. */
export type Reading = {
  /** Looks at about `chars` more characters; false when nothing is left to look at. */
  readonly advance: (chars: number) => boolean
  /** For each set in order what it alone would find. To be asked when nothing is left to look at. */
  readonly found: () => readonly (readonly Match[])[]
  /**
   * The least of what the sets alone would say. To be asked then, too. `from`: when less of the text was there, nothing before it
   * was pending.
   */
  readonly pendingFrom: (from?: number) => number
  /** What was looked at so far, in characters of ordinary cost, where characters cost more. */
  readonly spent?: () => number
}

/** `key` is the name under which the text stands, or nothing. */
export function readingOf(plan: Plan, views: readonly View[], text: string, key: string): Reading {
  const ascii = !foreign.test(text)
  const normalizing = ascii ? undefined : normalize(text)
  let form: NormalForm | undefined
  let scanned = ascii ? scan(plan, text, key, true) : undefined
  const advance = (chars: number): boolean => {
    if (scanned === undefined) {
      if (normalizing?.advance(Math.ceil(chars / normalizingCost)) === true) return true
      form = normalizing?.form()
      scanned = scan(plan, form?.text ?? text, key)
      // To come to the normal form of a long text was a step of its own.
      if (text.length > chars) return true
    }
    return scanned.advance(chars)
  }
  const found = (): readonly (readonly Match[])[] => {
    const inForm = scanned?.found ?? none
    const wrapped = findWrapped(plan, form?.text ?? text, deepest, mostDecoded)
    const candidates = [...inForm, ...wrapped].map((one) => (form === undefined ? one : carried(one, form)))
    const byKey = key !== '' && text.length <= longestValue ? findByKey(plan, text, key) : none
    return views.map((view) => (candidates.length + byKey.length === 0 ? noMatches : seenBy(view, candidates, byKey)))
  }
  const pendingFrom = (from = 0): number => {
    // Where words end has just been noted, if the text is one piece.
    if (scanned === undefined || text.length > longestPending || plan.notes.of !== scanned)
      return pendingFromOf(plan, text)
    const normal = form?.text ?? text
    const pending = Math.min(
      pendingIn(plan, normal, scanned.state(), form === undefined ? from : 0),
      encodedFrom(normal),
    )
    return form === undefined ? pending : placeBefore(pending, form, text)
  }
  return { advance, found, pendingFrom }
}

function carried({ rule, match }: Candidate, form: NormalForm): Candidate {
  return { rule, match: carriedBack(match, form) }
}

export function pendingFromOf(plan: Plan, text: string): number {
  return pendingThroughForm(text, (normal) => Math.min(pendingIn(plan, normal), encodedFrom(normal)))
}

/** What stands in stretches that spell another text, and in what those spell. */
function findWrapped(plan: Plan, text: string, depth: number, budget: number): Candidate[] {
  const found: Candidate[] = []
  if (depth === 0 || text.length < shortestWrapped) return found
  for (const wrapped of decodings(text, budget)) {
    const form = normalForm(wrapped.text)
    const scanned = scan(plan, form?.text ?? wrapped.text, '')
    scanned.advance(Infinity)
    for (const one of scanned.found) found.push(carried(form === undefined ? one : carried(one, form), wrapped))
    for (const one of findWrapped(plan, wrapped.text, depth - 1, budget / 4)) found.push(carried(one, wrapped))
  }
  return found
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
    if (start >= 0 && end <= text.length) found.push({ rule, match: { ...one, start, end } })
  }
  return found
}

function seenBy({ rules, least }: View, candidates: readonly Candidate[], byKey: readonly Candidate[]): Match[] {
  const matches: Match[] = []
  for (const { rule, match } of candidates) if (match.confidence >= least && rules.has(rule)) matches.push(match)
  for (const { rule, match } of byKey) if (match.confidence >= least && rules.has(rule)) matches.push(match)
  return resolved(matches)
}

const foreign = /[^\x00-\x7f]/
const none: readonly Candidate[] = []
const noMatches: readonly Match[] = []
// Characters beyond ASCII take that much longer, at worst.
const normalizingCost = 16
const longestValue = 512
const deepest = 2
const mostDecoded = 262_144
const shortestWrapped = 8

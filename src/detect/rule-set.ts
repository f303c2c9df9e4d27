import { createHash } from 'node:crypto'
import type { Match } from '../core/verdict.ts'
import { compileRule } from './compiled.ts'
import { normalForm } from './normal-form.ts'
import { resolved } from './overlaps.ts'
import type { Pack } from './pack.ts'
import { pendingIn } from './pending.ts'
import { planFor } from './plan.ts'
import type { Plan } from './plan.ts'
import { scan } from './scan.ts'

export type RuleSet = {
  /** Changes whenever the same text could give other matches. */
  readonly digest: string
  /**
   * Matches by their start, none overlapping another; offsets are those of `text` as it was given. `key` is the name under which
   * the text stands: it counts as context, and `password` as a key makes the text a password.
   */
  readonly find: (text: string, context?: { readonly key?: string }) => Match[]
  /**
   * The smallest index from which the text could be the beginning of a match if more followed; the length of the text when there
   * is none. A match that might get longer counts. Give it some text before (64 characters): context words count. A match that
   * begins more than 4,096 characters before the end may be missed.
   */
  readonly pendingFrom: (text: string) => number
}

export type Choice = {
  /** Ids of packs; `['all']` or nothing is all of them. */
  readonly packs?: readonly string[]
  /** Types as they are, or all of a family: `SECRET`. */
  readonly types?: readonly string[]
  readonly minConfidence?: number
  /** Ids of rules, or types. */
  readonly exclude?: readonly string[]
}

/** Throws SallyportError `policy_invalid` when a pattern cannot be used. */
export function compileRules(packs: readonly Pack[], choose: Choice): RuleSet {
  const least = choose.minConfidence ?? 0
  const chosen = packs
    .filter((pack) => choose.packs === undefined || choose.packs.includes('all') || choose.packs.includes(pack.id))
    .flatMap((pack) => pack.rules.map((rule) => ({ rule, pack: pack.id })))
    .filter(({ rule }) => choose.types === undefined || named(choose.types, rule.type))
    .filter(({ rule }) => !(choose.exclude ?? []).includes(rule.id) && !named(choose.exclude ?? [], rule.type))
    .filter(({ rule }) => rule.confidence + (rule.context?.boost ?? 0) >= least)
  const digest = createHash('sha256')
    .update(JSON.stringify([engineVersion, least, chosen]))
    .digest('hex')
  const plan = planFor(chosen.map(({ rule, pack }) => compileRule(rule, pack)))
  return {
    digest,
    find: (text, context) => find(plan, text, context?.key ?? '', least),
    pendingFrom: (text) => pendingFrom(text, (normal) => pendingIn(plan, normal)),
  }
}

/** `pendingFrom` of a text by that of its normal form. Only the last 4,096 characters are looked at. */
export function pendingFrom(text: string, pendingIn: (normal: string) => number): number {
  const cut = Math.max(0, text.length - 4_096)
  const tail = cut === 0 ? text : text.slice(cut)
  const form = normalForm(tail)
  if (form === undefined) return cut + pendingIn(tail)
  const pending = pendingIn(form.text)
  return pending >= form.text.length ? text.length : cut + form.startOf(pending)
}

/** Carries matches in the normal form back to the text. */
export function findInNormalForm(text: string, findIn: (normal: string) => Match[]): Match[] {
  const form = normalForm(text)
  if (form === undefined) return findIn(text)
  return findIn(form.text).map((match) => ({ ...match, start: form.startOf(match.start), end: form.endOf(match.end) }))
}

function find(plan: Plan, text: string, key: string, least: number): Match[] {
  const found = findInNormalForm(text, (normal) => scan(plan, normal, key))
  if (key !== '' && text.length <= longestValue) found.push(...findByKey(plan, text, key))
  return resolved(least > 0 ? found.filter((match) => match.confidence >= least) : found)
}

/** A text that is the whole value of a key, as `key="text"`. */
function findByKey(plan: Plan, text: string, key: string): Match[] {
  const before = `${key}="`
  const shift = (match: Match): Match => ({
    ...match,
    start: match.start - before.length,
    end: match.end - before.length,
  })
  return findInNormalForm(`${before}${text}"`, (normal) => scan(plan, normal, ''))
    .map(shift)
    .filter((match) => match.start >= 0 && match.end <= text.length)
}

function named(types: readonly string[], type: string): boolean {
  return types.includes(type) || types.includes(type.split(':')[0] as string)
}

const longestValue = 512
const engineVersion = 1

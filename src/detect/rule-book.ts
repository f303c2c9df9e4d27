import { createHash } from 'node:crypto'
import type { Atoms } from './beginnings.ts'
import { compileRule } from './compiled.ts'
import type { Compiled } from './compiled.ts'
import type { Pack, Rule } from './pack.ts'
import { planFor, vocabularyOf } from './plan.ts'
import type { Plan, Vocabulary } from './plan.ts'
import { pendingFromOf, readingOf } from './reader.ts'
import type { View } from './reader.ts'
import type { RuleSet, SharedReader } from './rule-set.ts'

/** Rule packs from which rule sets are chosen. All its sets share their compiled rules, and can read a text in one pass. */
export type RuleBook = {
  readonly packs: readonly Pack[]
  /** The same choice gives the same set. Throws SallyportError `policy_invalid` when a pattern cannot be used. */
  readonly choose: (choice: Choice) => RuleSet
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

/** One set of its own. Throws as `choose` does. */
export function compileRules(packs: readonly Pack[], choice: Choice): RuleSet {
  return ruleBook(packs).choose(choice)
}

export function ruleBook(packs: readonly Pack[]): RuleBook {
  const atoms: Atoms = new Map()
  const compiled = new Map<Rule, Compiled>()
  const sets = new Map<string, RuleSet>()
  const views = new Map<string, View>()
  let plans: Planned[] = []
  let vocabulary: Vocabulary | undefined

  const choose = (choice: Choice): RuleSet => {
    const least = choice.minConfidence ?? 0
    const chosen = chosenFrom(packs, choice)
    const digest = createHash('sha256')
      .update(JSON.stringify([engineVersion, least, chosen]))
      .digest('hex')
    const known = sets.get(digest)
    if (known !== undefined) return known
    const rules = new Set(chosen.map(({ rule, pack }) => compiledOnce(rule, pack)))
    views.set(digest, { rules, least })
    vocabulary = undefined
    plans = []
    const set = setOf(digest)
    sets.set(digest, set)
    return set
  }

  const compiledOnce = (rule: Rule, pack: string): Compiled => {
    const known = compiled.get(rule)
    if (known !== undefined) return known
    const made = compileRule(rule, pack, atoms)
    compiled.set(rule, made)
    return made
  }

  const inOrder = (): Compiled[] => packs.flatMap((pack) => pack.rules).flatMap((rule) => compiled.get(rule) ?? [])

  /** One table of words serves every combination of sets, so that a combination costs little. */
  const planOf = (digests: readonly string[]): Planned => {
    const known = plans.find((planned) => isSame(planned.digests, digests))
    if (known !== undefined) return known
    vocabulary ??= vocabularyOf(inOrder())
    const wanted = digests.map((digest) => (views.get(digest) as View).rules)
    const rules = inOrder().filter((rule) => wanted.some((one) => one.has(rule)))
    const planned = {
      digests,
      plan: planFor(rules, vocabulary),
      views: digests.map((digest) => views.get(digest) as View),
    }
    if (plans.length === mostPlans) plans.pop()
    plans.unshift(planned)
    return planned
  }

  const readerFor: SharedReader['readerFor'] = (digests) => {
    const planned = planOf(digests)
    return (text, key) => readingOf(planned.plan, planned.views, text, key)
  }
  const shared = { readerFor }

  const setOf = (digest: string): RuleSet => ({
    digest,
    shared,
    find: (text, context) => {
      const reading = readerFor([digest])(text, context?.key ?? '')
      reading.advance(Infinity)
      return reading.found()[0] ?? []
    },
    pendingFrom: (text) => pendingFromOf(planOf([digest]).plan, text),
    wants: ({ rule, confidence }) => {
      const { rules, least } = views.get(digest) as View
      return confidence >= least && [...rules].some(({ id }) => id === rule)
    },
  })
  return { packs, choose }
}

type Planned = { readonly digests: readonly string[]; readonly plan: Plan; readonly views: readonly View[] }

function isSame(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

function chosenFrom(packs: readonly Pack[], choice: Choice): { rule: Rule; pack: string }[] {
  const { types, exclude = [], minConfidence = 0 } = choice
  return packs
    .filter((pack) => choice.packs === undefined || choice.packs.includes('all') || choice.packs.includes(pack.id))
    .flatMap((pack) => pack.rules.map((rule) => ({ rule, pack: pack.id })))
    .filter(({ rule }) => types === undefined || named(types, rule.type))
    .filter(({ rule }) => !exclude.includes(rule.id) && !named(exclude, rule.type))
    .filter(({ rule }) => rule.confidence + (rule.context?.boost ?? 0) >= minConfidence)
}

function named(types: readonly string[], type: string): boolean {
  return types.includes(type) || types.includes(type.split(':')[0] as string)
}

const engineVersion = 1
// Combinations of sets that are kept ready; each costs its own lists, not the table of words.
const mostPlans = 64

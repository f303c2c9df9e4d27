import { createHash } from 'node:crypto'
import { atOnce } from '../lib/steps.ts'
import type { Steps } from '../lib/steps.ts'
import type { Atoms } from './beginnings.ts'
import { compileRule } from './compiled.ts'
import type { Compiled } from './compiled.ts'
import type { Pack, Rule } from './pack.ts'
import { planInSteps, vocabularyInSteps } from './plan.ts'
import type { Plan, Vocabulary } from './plan.ts'
import { pendingFromOf, readingOf } from './reader.ts'
import type { View } from './reader.ts'
import type { RuleSet, SharedReader } from './rule-set.ts'

/** Rule packs from which rule sets are chosen. All its sets share their compiled rules, and can read a text in one pass. */
export type RuleBook = {
  readonly packs: readonly Pack[]
  /** SHA-256 in hex of all that the packs say. */
  readonly digest: string
  /** The same choice gives the same set. Throws SallyportError `policy_invalid` when a pattern cannot be used. */
  readonly choose: (choice: Choice) => RuleSet
  /** Compiles what was chosen of a book for later, a rule at a step. Throws what `choose` else would. */
  readonly compile: () => Steps<void>
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

/** Of a book for `later` nothing is compiled when it is chosen, but when `compile` says so or somebody wants to read. */
export function ruleBook(packs: readonly Pack[], when: 'now' | 'later' = 'now'): RuleBook {
  const library: Library = { packs, compiled: new Map(), atoms: new Map(), chosen: new Map() }
  const sets = new Map<string, RuleSet>()
  /** The same sets by what was asked: to look that up costs next to nothing. */
  const asked = new Map<string, RuleSet>()
  const shared = sharedReaderOf(library)

  const choose = (choice: Choice): RuleSet => {
    const question = JSON.stringify(choice)
    const known = asked.get(question)
    if (known !== undefined) return known
    const least = choice.minConfidence ?? 0
    const rules = chosenFrom(packs, choice)
    const digest = sha256([engineVersion, least, rules])
    if (when === 'now') atOnce(compileAll(library, rules))
    const chosen = library.chosen.get(digest) ?? { rules, least }
    const set = sets.get(digest) ?? setOf(digest, chosen, shared)
    library.chosen.set(digest, chosen)
    sets.set(digest, set)
    asked.set(question, set)
    return set
  }

  let digest: string | undefined
  return {
    packs,
    get digest() {
      return (digest ??= sha256(packs))
    },
    choose,
    *compile() {
      for (const { rules } of library.chosen.values()) yield* compileAll(library, rules)
    },
  }
}

type ChosenRule = { readonly rule: Rule; readonly pack: string }
type Chosen = { readonly rules: readonly ChosenRule[]; readonly least: number }

type BookReader = SharedReader & { readonly pendingFrom: (digests: readonly string[], text: string) => number }

type Library = {
  readonly packs: readonly Pack[]
  readonly compiled: Map<Rule, Compiled>
  readonly atoms: Atoms
  /** By digest. */
  readonly chosen: Map<string, Chosen>
}

function* compileAll({ compiled, atoms }: Library, rules: readonly ChosenRule[]): Steps<void> {
  for (const { rule, pack } of rules) {
    if (compiled.has(rule)) continue
    compiled.set(rule, compileRule(rule, pack, atoms))
    yield
  }
}

/** One table of words serves every combination of sets, so that a combination costs little. */
function sharedReaderOf(library: Library): BookReader {
  const { packs, compiled, chosen } = library
  let plans: Planned[] = []
  let words: { readonly vocabulary: Vocabulary; readonly rules: number } | undefined
  const inOrder = (): Compiled[] => packs.flatMap((pack) => pack.rules).flatMap((rule) => compiled.get(rule) ?? [])

  function* vocabularyInTime(): Steps<Vocabulary> {
    const rules = inOrder()
    if (words?.rules === rules.length) return words.vocabulary
    const vocabulary = yield* vocabularyInSteps(rules)
    words = { vocabulary, rules: rules.length }
    plans = []
    return vocabulary
  }

  const known = (digests: readonly string[]): Planned | undefined =>
    plans.find((planned) => isSame(planned.digests, digests))

  function* made(digests: readonly string[]): Steps<Planned> {
    const wanted = digests.map((digest) => chosen.get(digest) as Chosen)
    for (const { rules } of wanted) yield* compileAll(library, rules)
    const vocabulary = yield* vocabularyInTime()
    const views = wanted.map(({ rules, least }): View => {
      return { rules: new Set(rules.map(({ rule }) => compiled.get(rule) as Compiled)), least }
    })
    const rules = inOrder().filter((rule) => views.some((view) => view.rules.has(rule)))
    const plan = { digests, plan: yield* planInSteps(rules, vocabulary), views }
    plans = [plan, ...plans.slice(0, mostPlans - 1)]
    return plan
  }

  return {
    readerFor: (digests) => {
      const { plan, views } = known(digests) ?? atOnce(made(digests))
      return (text, key) => readingOf(plan, views, text, key)
    },
    *prepare(digests) {
      if (known(digests) === undefined) yield* made(digests)
    },
    pendingFrom: (digests, text) => pendingFromOf((known(digests) ?? atOnce(made(digests))).plan, text),
  }
}

function setOf(digest: string, { rules, least }: Chosen, shared: BookReader): RuleSet {
  const ids = new Set(rules.map(({ rule }) => rule.id))
  const digests = [digest]
  return {
    digest,
    shared,
    find: (text, context) => {
      const reading = shared.readerFor(digests)(text, context?.key ?? '')
      reading.advance(Infinity)
      return reading.found()[0] ?? []
    },
    pendingFrom: (text) => shared.pendingFrom(digests, text),
    wants: ({ rule, confidence }) => confidence >= least && ids.has(rule),
  }
}

type Planned = { readonly digests: readonly string[]; readonly plan: Plan; readonly views: readonly View[] }

function isSame(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

function chosenFrom(packs: readonly Pack[], choice: Choice): ChosenRule[] {
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

function sha256(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}

const engineVersion = 1
// Combinations of sets that are kept ready; each costs its own lists, not the table of words.
const mostPlans = 64

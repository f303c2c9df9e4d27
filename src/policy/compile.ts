import type { Pack } from '../detect/index.ts'
import type { Binding } from '../inspect/binding.ts'
import type { ExchangeFacts, Hook } from '../inspect/hook.ts'
import { lru } from '../lib/lru.ts'
import type { Problem } from '../lib/yaml-strict.ts'
import { digestOf } from './digest.ts'
import { repeatedNames } from './files.ts'
import type { ReadPolicy } from './files.ts'
import { compileEntries, handlingOf, inspectedHosts } from './intercept.ts'
import type { CompiledEntry, Handling } from './intercept.ts'
import { failingKey } from './match.ts'
import type { ConnectionFacts } from './match.ts'
import { compileRules } from './rules.ts'
import type { CompiledRule } from './rules.ts'
import { defaultScalars } from './schema.ts'
import type { PolicyScalars, PolicyTest } from './schema.ts'

/** All policy files as one: what doors and engine ask. It never changes; a reload makes another. */
export type PolicySet = PolicyScalars & {
  /** SHA-256 in hex of what the files, the packs and the lists they name say. */
  readonly digest: string
  readonly intercept: (about: ConnectionFacts) => Handling
  /** The rules that apply, in order. The same rules are always the same array. */
  readonly bindingsFor: (facts: ExchangeFacts, stage: 'request' | 'response') => readonly Binding[]
  /** Patterns of hosts that policy inspects, for the authority's name constraints; `any` when there is no saying. */
  readonly inspectedHosts: readonly string[] | 'any'
  readonly files: readonly string[]
  /** Files beside these that the rules were made from. */
  readonly dependsOn: readonly string[]
  readonly entries: readonly CompiledEntry[]
  readonly rules: readonly CompiledRule[]
  readonly tests: readonly PlacedTest[]
}

export type PlacedTest = { readonly test: PolicyTest; readonly file: string; readonly line: number }

export type CompileSources = {
  readonly hooks: readonly Hook[]
  readonly packs: readonly Pack[]
  /** Host patterns of the providers that the program knows: what `catalogue` stands for. */
  readonly catalogue: readonly string[]
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** Files read in order, as one set; or every problem that a single file does not show. */
export function compilePolicies(
  files: readonly ReadPolicy[],
  sources: CompileSources,
): PolicySet | { readonly problems: readonly Problem[] } {
  const scalars = mergedScalars(files)
  const { entries, problems: entryProblems } = compileEntries(files, sources.catalogue, scalars)
  const { rules, used, problems: ruleProblems } = compileRules(files, sources)
  const names = [...repeatedNames(files, 'rules'), ...repeatedNames(files, 'tests')]
  const problems = [...entryProblems, ...ruleProblems, ...names]
  if (problems.length > 0) return { problems }
  const contents = [...files.map((file) => file.document.raw), ...sources.packs, ...used.map((file) => file.content)]
  return {
    ...scalars,
    digest: digestOf(contents),
    intercept: (about) => handlingOf(entries, about),
    bindingsFor: bindingsOf(rules),
    inspectedHosts: inspectedHosts(entries, sources.catalogue),
    files: files.map((file) => file.path),
    dependsOn: used.map((file) => file.path),
    entries,
    rules,
    tests: files.flatMap(placedTests),
  }
}

function mergedScalars(files: readonly ReadPolicy[]): PolicyScalars {
  const merged: Record<string, unknown> = { ...defaultScalars }
  for (const { content } of files) {
    for (const key of Object.keys(defaultScalars) as (keyof PolicyScalars)[]) {
      if (content[key] !== undefined) merged[key] = content[key]
    }
  }
  return merged as PolicyScalars
}

function bindingsOf(rules: readonly CompiledRule[]): PolicySet['bindingsFor'] {
  const request = selector(rules.filter(({ binding }) => binding.on !== 'response'))
  const response = selector(rules.filter(({ binding }) => binding.on !== 'request'))
  return (facts, stage) => (stage === 'request' ? request(facts) : response(facts))
}

/** Selections are kept, so that what depends on one can be remembered by it. */
function selector(rules: readonly CompiledRule[]): (facts: ExchangeFacts) => readonly Binding[] {
  const all = rules.map((rule) => rule.binding)
  if (rules.every((rule) => rule.conditions.length === 0)) return () => all
  const selections = lru<string, readonly Binding[]>({ max: MAX_SELECTIONS })
  return (facts) => {
    let key = ''
    for (const rule of rules) key += failingKey(rule.conditions, facts) === undefined ? '1' : '0'
    const known = selections.get(key)
    if (known !== undefined) return known
    const selected = all.filter((_, index) => key[index] === '1')
    selections.set(key, selected)
    return selected
  }
}

function placedTests({ path, content, document }: ReadPolicy): PlacedTest[] {
  return (content.tests ?? []).map((test, index) => ({
    test,
    file: path,
    line: document.positionOf(['tests', index])?.line ?? 1,
  }))
}

const MAX_SELECTIONS = 256

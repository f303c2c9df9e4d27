import type { Stage } from '../core/verdict.ts'
import { preparePasses } from '../detect/index.ts'
import { runsAt } from '../inspect/binding.ts'
import type { Binding } from '../inspect/binding.ts'
import { isDetecting } from '../inspect/detections.ts'
import type { ExchangeFacts } from '../inspect/hook.ts'
import { lru } from '../lib/lru.ts'
import type { Steps } from '../lib/steps.ts'
import type { Problem } from '../lib/yaml-strict.ts'
import { failingKey, isNetwork } from './conditions.ts'
import type { ConnectionFacts } from './conditions.ts'
import type { CompiledEntry, Handling } from './intercept.ts'
import type { CompiledRule } from './rules.ts'
import type { PolicyScalars, PolicyTest } from './schema.ts'

/** All policy files as one: what doors and engine ask. It never changes; a reload makes another. */
export type PolicySet = PolicyScalars & {
  /** SHA-256 in hex of what the files, the packs and the lists they name say. */
  readonly digest: string
  readonly intercept: (about: ConnectionFacts) => Handling
  /** The rules that apply, in order. The same rules are always the same array. */
  readonly bindingsFor: (facts: ExchangeFacts, stage: AskedStage) => readonly Binding[]
  /** Patterns of hosts that policy inspects, for the authority's name constraints; `any` when there is no saying. */
  readonly inspectedHosts: readonly string[] | 'any'
  readonly files: readonly string[]
  /** Files beside these that the rules were made from. */
  readonly dependsOn: readonly string[]
  readonly entries: readonly CompiledEntry[]
  readonly rules: readonly CompiledRule[]
  readonly tests: readonly PlacedTest[]
}

/** A `tunnel` is a connection that is relayed unread; its rules run at the stage `connection`. */
export type AskedStage = 'connection' | 'tunnel' | 'request' | 'response'

/** Policies that are not whole. */
export type BrokenPolicies = {
  readonly problems: readonly Problem[]
  /** What else would have been read: it may be there, or right, later. */
  readonly dependsOn: readonly string[]
}

export type PlacedTest = { readonly test: PolicyTest; readonly file: string; readonly line: number }

/** The first entry that matches decides. The last of them matches everything. */
export function handlingOf(entries: readonly CompiledEntry[], facts: ConnectionFacts): Handling {
  const first = entries.find((entry) => failingKey(entry.conditions, facts) === undefined)
  return first?.handling ?? { action: 'deny', reason: 'no entry matches', onRejectedLeaf: 'refuse' }
}

/** The entries that some connection may be inspected by: those behind one that takes every connection are never asked. */
export function inspectingEntries(entries: readonly CompiledEntry[]): CompiledEntry[] {
  return entries.slice(0, reached(entries)).filter(({ entry }) => entry.action === 'inspect')
}

/** The entries of files that no connection ever reaches. */
export function unreachedEntries(entries: readonly CompiledEntry[]): (CompiledEntry & { readonly file: string })[] {
  return entries
    .slice(reached(entries))
    .filter((entry): entry is CompiledEntry & { file: string } => entry.file !== null)
}

/** How many entries can be asked: up to the first that takes every connection. */
function reached(entries: readonly CompiledEntry[]): number {
  const last = entries.findIndex(({ patterns, conditions }) => patterns.some(isEverything) && conditions.length === 1)
  return last === -1 ? entries.length : last + 1
}

/**
 * The patterns of hosts that some connection may be inspected for: what the authority must be able to vouch for.
 * `any` when there is no saying, because everything or a network is inspected.
 */
export function inspectedHosts(entries: readonly CompiledEntry[]): readonly string[] | 'any' {
  const patterns = inspectingEntries(entries).flatMap((entry) => entry.patterns)
  return patterns.some((pattern) => isEverything(pattern) || isNetwork(pattern)) ? 'any' : [...new Set(patterns)]
}

const isEverything = (pattern: string): boolean => /^\*+$/.test(pattern)

/** What asks the rules: those whose conditions hold, as one array for each selection. */
export function bindingsOf(rules: readonly CompiledRule[]): PolicySet['bindingsFor'] {
  const at = (stage: Stage) => rules.filter(({ binding }) => runsAt(binding, stage))
  const connection = at('connection')
  const unread = rules.filter(({ onTunnels }) => onTunnels).map(onConnections)
  const select = {
    request: selector(at('request')),
    response: selector(at('response')),
    connection: selector(connection),
    tunnel: selector([...connection, ...unread]),
  }
  return (facts, stage) => select[stage](facts)
}

function onConnections(rule: CompiledRule): CompiledRule {
  return { ...rule, binding: { ...rule.binding, on: 'connection' } }
}

/**
 * Makes, a little at each step, what looks through texts for all rules of a stage together, which would otherwise be made when the first
 * exchange comes. Other selections cost little after that.
 */
export function* prepareDetectors(set: { readonly rules: readonly Pick<CompiledRule, 'binding'>[] }): Steps<void> {
  const { rules } = set
  const detecting = rules.map(({ binding }) => binding).filter(isDetecting)
  for (const stage of ['request', 'response'] as const) {
    yield* preparePasses(detecting.filter((binding) => runsAt(binding, stage)).map(({ hook }) => hook.rules))
  }
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

const MAX_SELECTIONS = 256

import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { globMatcher, isGlob } from '../lib/glob.ts'
import { addressSet } from '../lib/ip.ts'
import type { ExchangeFacts } from '../inspect/hook.ts'
import type { InterceptEntry, PolicyWhen } from './schema.ts'

/** What is known of a connection when it must be decided what to do with it. */
export type ConnectionFacts = {
  readonly host: string
  readonly port: number
  readonly clientIp: string
  readonly principal: string | null
}

/** One condition of a rule or entry: its key, whether it holds, and whether what it looks at is not known. */
export type Condition<F> = {
  readonly key: string
  readonly holds: (facts: F) => boolean
  readonly undecided?: (facts: F) => boolean
}

/** The conditions of an intercept entry, whose hosts are `patterns`; all must hold. Throws RangeError for a network that is none. */
export function entryConditions(entry: InterceptEntry, patterns: readonly string[]): Condition<ConnectionFacts>[] {
  const conditions: Condition<ConnectionFacts>[] = []
  const hosts = hostMatcher(patterns)
  conditions.push({ key: 'hosts', holds: (facts) => hosts(facts.host) })
  if (named(entry.principal)) conditions.push({ key: 'principal', holds: principalIn(entry.principal) })
  if (named(entry.client)) {
    const addresses = addressSet(entry.client)
    conditions.push({ key: 'client', holds: (facts) => addresses(facts.clientIp) })
  }
  return conditions
}

/**
 * The conditions of a rule's `when`; all must hold. None at all always holds. What is not known, as the model of a body that
 * cannot be read, holds: a rule only adds to what others do, so in doubt it applies. Nobody is a principal that is known.
 * Throws RangeError for a host or network that is none.
 */
export function ruleConditions(when: PolicyWhen, catalogue: readonly string[]): Condition<ExchangeFacts>[] {
  const conditions: Condition<ExchangeFacts>[] = []
  const add = (key: string, of: (facts: ExchangeFacts) => string | null, matches: (text: string) => boolean): void => {
    const holds = (facts: ExchangeFacts): boolean => {
      const text = of(facts)
      return text === null || matches(text)
    }
    conditions.push({ key, holds, undecided: (facts) => of(facts) === null })
  }
  if (named(when.door)) add('door', ({ door }) => door, globMatcher(when.door))
  if (named(when.provider))
    add('provider', ({ provider }) => provider, globMatcher(when.provider, { ignoreCase: true }))
  if (named(when.host)) add('host', ({ host }) => host, hostMatcher(withCatalogue(when.host, catalogue)))
  if (named(when.model)) add('model', ({ model }) => model, globMatcher(when.model, { ignoreCase: true }))
  if (named(when.path)) add('path', ({ path }) => path, globMatcher(when.path))
  if (named(when.principal)) conditions.push({ key: 'principal', holds: principalIn(when.principal) })
  if (named(when.client)) add('client', ({ clientIp }) => clientIp, addressSet(when.client))
  return conditions
}

/** The key of the first condition that does not hold, or undefined when all do. */
export function failingKey<F>(conditions: readonly Condition<F>[], facts: F): string | undefined {
  for (const condition of conditions) if (!condition.holds(facts)) return condition.key
  return undefined
}

/**
 * The host patterns with `catalogue` replaced by the provider hosts, as they are compared: lower case, ASCII, no trailing dot.
 * Throws RangeError for one that is none.
 */
export function withCatalogue(hosts: readonly string[], catalogue: readonly string[]): string[] {
  return hosts.flatMap((host) => (host === 'catalogue' ? catalogue : [host])).map(plainPattern)
}

/** A host as it is compared. */
export function plainHost(host: string): string {
  const lower = host.toLowerCase()
  const bare = lower.startsWith('[') && lower.endsWith(']') ? lower.slice(1, -1) : lower
  return bare.length > 1 && bare.endsWith('.') ? bare.slice(0, -1) : bare
}

export const isNetwork = (pattern: string): boolean => pattern.includes('/')

function hostMatcher(patterns: readonly string[]): (host: string) => boolean {
  const names = globMatcher(patterns.filter((pattern) => !isNetwork(pattern)))
  const networks = patterns.filter(isNetwork)
  if (networks.length === 0) return (host) => names(plainHost(host))
  const addresses = addressSet(networks)
  return (host) => names(plainHost(host)) || addresses(host)
}

function plainPattern(pattern: string): string {
  if (pattern.includes('://')) throw new RangeError(`${pattern} is a URL: write the host only`)
  if (isNetwork(pattern)) {
    addressSet([pattern])
    return pattern
  }
  const plain = plainHost(pattern)
  if (isIP(plain) !== 0) return plain
  if (plain.includes(':')) throw new RangeError(`${pattern} has a port: write the host only`)
  const ascii = /^[\x21-\x7e]+$/.test(plain) ? plain : isGlob(plain) ? asciiLabels(plain) : domainToASCII(plain)
  if (!/^[a-z0-9*?._-]+$/.test(ascii)) throw new RangeError(`${pattern} is not a host, a glob or a network`)
  return ascii
}

/** Label by label, because a name with a glob in it is none. */
function asciiLabels(pattern: string): string {
  return pattern
    .split('.')
    .map((label) => (isGlob(label) ? label : domainToASCII(label)))
    .join('.')
}

const named = <T>(list: readonly T[] | undefined): list is readonly T[] => list !== undefined && list.length > 0

function principalIn(globs: readonly string[]): (facts: { readonly principal: string | null }) => boolean {
  const principals = globMatcher(globs)
  return (facts) => facts.principal !== null && principals(facts.principal)
}

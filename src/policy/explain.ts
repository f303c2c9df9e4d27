import type { ExchangeFacts } from '../inspect/hook.ts'
import { runsAt } from '../inspect/binding.ts'
import type { Stage } from '../core/verdict.ts'
import { failingKey } from './conditions.ts'
import type { ConnectionFacts } from './conditions.ts'
import type { CompiledEntry, Handling } from './intercept.ts'
import { handlingOf } from './match.ts'
import type { PolicySet } from './match.ts'
import type { CompiledRule } from './rules.ts'

/** What a connection to a host, and the exchanges on it, would meet. */
export type Explanation = {
  readonly handling: Handling
  /** Entries up to the one that decides, which is the last: each with the key that did not fit. */
  readonly entries: readonly ExplainedEntry[]
  readonly connection: readonly ExplainedRule[]
  readonly request: readonly ExplainedRule[]
  readonly response: readonly ExplainedRule[]
}

export type ExplainedEntry = {
  /** Null for the default that stands behind all files. */
  readonly file: string | null
  readonly line: number
  readonly hosts: readonly string[]
  readonly action: Handling['action']
  readonly failed: string | null
}

export type ExplainedRule = {
  readonly name: string
  readonly file: string
  readonly line: number
  readonly hook: string
  readonly action: string
  readonly applies: boolean
  /** The first condition of `when` that does not hold; null when the rule applies. */
  readonly failed: string | null
  /** Conditions on what was not said: whether the rule applies depends on it, and in doubt it does. */
  readonly undecided: readonly string[]
}

/** Which intercept entry decides, which rules would run on request and answer, and why the others would not. */
export function explain(set: PolicySet, about: ConnectionFacts & ExchangeAbout): Explanation {
  const facts: ExchangeFacts = { ...unknownFacts, ...about, port: String(about.port) }
  const handling = handlingOf(set.entries, about)
  const stage = (name: Stage): ExplainedRule[] =>
    rulesAt(
      set,
      facts,
      ({ binding, onTunnels }) =>
        runsAt(binding, name) || (name === 'connection' && onTunnels && handling.action === 'tunnel'),
    )
  return {
    handling,
    entries: entriesUpTo(set.entries, about),
    connection: stage('connection'),
    request: stage('request'),
    response: stage('response'),
  }
}

/** What else may be known of the exchanges; what is left out is not known. */
export type ExchangeAbout = Partial<Pick<ExchangeFacts, 'door' | 'path' | 'provider' | 'model'>>

function entriesUpTo(entries: readonly CompiledEntry[], about: ConnectionFacts): ExplainedEntry[] {
  const explained: ExplainedEntry[] = []
  for (const { entry, file, line, conditions } of entries) {
    const failed = failingKey(conditions, about) ?? null
    explained.push({ file, line, hosts: entry.hosts, action: entry.action, failed })
    if (failed === null) break
  }
  return explained
}

function rulesAt(set: PolicySet, facts: ExchangeFacts, asked: (rule: CompiledRule) => boolean): ExplainedRule[] {
  return set.rules.filter(asked).map(({ rule, file, line, conditions, binding }) => {
    const failed = failingKey(conditions, facts) ?? null
    const { default: otherwise, byType } = binding.action
    const action = [...byType].map(([type, taken]) => `${type} ${taken}`)
    return {
      name: rule.name,
      file,
      line,
      hook: rule.hook,
      action: [...action, action.length === 0 ? otherwise : `otherwise ${otherwise}`].join(', '),
      applies: failed === null,
      failed,
      undecided: conditions.filter(({ undecided }) => undecided?.(facts) === true).map(({ key }) => key),
    }
  })
}

const unknownFacts: ExchangeFacts = {
  door: 'proxy',
  clientIp: null,
  principal: null,
  host: null,
  port: null,
  path: null,
  method: null,
  provider: null,
  operation: null,
  model: null,
}

import { basename } from 'node:path'
import { attestationTerms } from '../app/attestation-terms.ts'
import { providerAt } from '../app/catalogue.ts'
import type { Terms } from '../attest/verify.ts'
import type { Config } from '../config/schema.ts'
import { plainHost } from '../policy/conditions.ts'
import { explain } from '../policy/explain.ts'
import type { ExplainedEntry, ExplainedRule, Explanation } from '../policy/explain.ts'
import type { PolicySet } from '../policy/match.ts'
import { UsageError } from './command.ts'
import type { Io } from './command.ts'
import { printJson, printLines } from './output.ts'

export type ExplainOptions = {
  readonly host: string
  readonly path?: string
  readonly principal?: string
  readonly provider?: string
  readonly model?: string
  readonly client: string
  readonly door: string
  readonly json?: boolean
}

/** Prints what the set does with a connection to the host and with its exchanges. */
export async function explainHost(
  set: PolicySet,
  settings: Pick<Config, 'attestation'>,
  options: ExplainOptions,
  io: Io,
): Promise<void> {
  const { host, port } = hostAndPort(options.host)
  const { path, model, door } = options
  if (door !== 'proxy' && door !== 'gateway') throw new UsageError(`no door ${door}`, 'doors: proxy, gateway')
  const provider = options.provider ?? providerAt({ host, port, path: path ?? '/' })
  const explanation = explain(set, {
    host,
    port,
    clientIp: options.client,
    principal: options.principal ?? null,
    door,
    path: path ?? null,
    provider,
    model: model ?? null,
  })
  const attestation = attestationTerms(explanation.handling, settings.attestation) ?? null
  if (options.json === true)
    return printJson(io, { host, port, provider, mode: set.mode, policy: set.digest, ...explanation, attestation })
  await printLines(io, described(host, provider, set, explanation, attested(explanation, attestation)))
}

function described(
  host: string,
  provider: string,
  set: PolicySet,
  explanation: Explanation,
  attestation: readonly string[],
): string[] {
  const { handling, entries, connection, request, response } = explanation
  const observed = set.mode === 'observe' ? ['mode observe: what is found is recorded, nothing is changed'] : []
  const head = [`${host}: ${handling.action} (${handling.reason})`, ...entries.map(entryLine), ...observed]
  if (handling.action === 'deny') return head
  head.push(...attestation)
  const begin = connection.length === 0 ? [] : ['on connections:', ...ruleLines(connection)]
  const why = handling.action === 'tunnel' ? ['no rule sees what is in a tunnel; if it were inspected:'] : []
  return [
    ...head,
    ...begin,
    ...why,
    `provider ${provider}`,
    'on requests:',
    ...ruleLines(request),
    'on responses:',
    ...ruleLines(response),
  ]
}

/** What an attestation has to fit here; nothing where none is asked for. */
function attested({ handling }: Explanation, terms: Terms | null): string[] {
  if (terms === null)
    return handling.attestation?.accept === true ? ['attestation: not accepted: attestation.audience is not set'] : []
  const { audience, policies, minVersion, reinspect, nexus } = terms
  const said = [
    `for ${audience}`,
    `policy set ${policies.join(' or ')}`,
    ...(minVersion === null ? [] : [`version ${minVersion} or later`]),
    ...(reinspect === 0 ? [] : [`a share of ${reinspect} is inspected anyway`]),
    ...(nexus ? ['X-Nexus-Attestation too'] : []),
  ]
  return [`attestation: accepted: ${said.join(', ')}`]
}

function entryLine({ file, line, hosts, action, failed }: ExplainedEntry): string {
  const shown = hosts.length > 4 ? `${hosts.slice(0, 4).join(', ')}, …` : hosts.join(', ')
  const verdict = failed === null ? 'decides' : `passed over: ${failed} does not match`
  return `  ${file === null ? 'default' : `${basename(file)}:${line}`}  ${shown} → ${action}  ${verdict}`
}

function ruleLines(rules: readonly ExplainedRule[]): string[] {
  if (rules.length === 0) return ['  no rule']
  return rules.map(({ name, file, line, hook, action, failed, undecided }) => {
    const depends =
      undecided.length === 0 ? '' : `, if ${undecided.join(' and ')} ${undecided.length > 1 ? 'match' : 'matches'}`
    const verdict = failed === null ? `applies${depends}` : `does not apply: ${failed} does not match`
    return `  ${basename(file)}:${line}  ${name} (${hook}: ${action})  ${verdict}`
  })
}

/** `host`, `host:port`, an IPv6 address, or one in brackets with a port. */
function hostAndPort(given: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(given)
  if (match === null) return { host: plainHost(given), port: DEFAULT_PORT }
  return {
    host: plainHost(match[1] ?? match[2] ?? given),
    port: match[3] === undefined ? DEFAULT_PORT : Number(match[3]),
  }
}

const DEFAULT_PORT = 443

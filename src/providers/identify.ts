import type { Target } from '../core/http.ts'
import { compatible, generic, providers } from './index.ts'
import { ollama, ollamaPort } from './ollama.ts'
import { localPorts } from './openai-shaped.ts'
import type { Identified, Operation, Provider } from './provider.ts'

export type { Identified } from './provider.ts'

/**
 * Whose traffic this is, and what it asks: by host, else by what the path looks like, else `generic`. A path that a known
 * provider does not know is its operation `unknown`, read string by string.
 */
export function identify(target: Target, method: string): Identified {
  const found = identifyPath(target, method)
  if (found.operation !== 'unknown') return found
  // `/v1//chat/completions`, `/v1/Chat/completion%73`: a server may take them for the path they resemble.
  const path = resembled(target.path)
  return path === target.path ? found : identifyPath({ ...target, path }, method)
}

function resembled(path: string): string {
  const decoded = path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  const plainer = decoded
    .toLowerCase()
    .replace(/;[^/]*/g, '')
    .replace(/\/(\.?\/)+/g, '/')
  return plainer.length > 1 ? plainer.replace(/[/.\s]+$/, '') : plainer
}

function identifyPath(target: Target, method: string): Identified {
  const known = byHost(target.host)
  if (known !== undefined) return { provider: known, operation: known.operation(target, method) ?? 'unknown' }
  if (target.port === ollamaPort) {
    const operation = ollama.operation(target, method)
    if (operation !== undefined) return { provider: ollama, operation }
  }
  for (const provider of compatible) {
    const operation = provider.operation(target, method)
    if (operation === undefined || !isTelling(target.path, operation)) continue
    return { provider: local(target.port, provider) ?? provider, operation }
  }
  return { provider: generic, operation: 'unknown' }
}

/** The hosts of all providers, as globs of policies: what `catalogue` stands for. */
export function catalogueHosts(): readonly string[] {
  return [...new Set(providers.flatMap((provider) => provider.hosts))]
}

function byHost(host: string): Provider | undefined {
  return exact.get(host) ?? globs.find(({ pattern }) => pattern.test(host))?.provider
}

/** Whether a path says enough by itself: many an API has `/files` or `/models`. */
function isTelling(path: string, operation: Operation): boolean {
  if (plain.has(operation)) return false
  return path.endsWith('/chat/completions') || /\/v\d[^/]*\//.test(path) || path.includes('/models/')
}

function local(port: number, provider: Provider): Provider | undefined {
  if (provider !== compatible[0]) return undefined
  const name = localPorts.get(port)
  return name === undefined ? undefined : providers.find((one) => one.name === name)
}

const plain: ReadonlySet<Operation> = new Set<Operation>(['models', 'files', 'batches', 'rerank', 'images', 'audio'])

const exact: ReadonlyMap<string, Provider> = new Map(
  providers
    .toReversed()
    .flatMap((provider) => provider.hosts.filter((host) => !isGlob(host)).map((host) => [host, provider])),
)

const globs: readonly { readonly pattern: RegExp; readonly provider: Provider }[] = providers.flatMap((provider) =>
  provider.hosts.filter(isGlob).map((host) => ({ pattern: patternOf(host), provider })),
)

function isGlob(host: string): boolean {
  return host.includes('*') || host.includes('?')
}

function patternOf(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 's')
}

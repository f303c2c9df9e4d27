import { pathText } from '../lib/schema-problems.ts'
import type { LoadedConfig } from './load.ts'
import type { Origin } from './problems.ts'
import { configSchema } from './schema.ts'
import { mapValues, settings } from './settings.ts'
import { formatAddress } from './values.ts'
import type { Address } from './values.ts'

/** One line of `config show`. Secrets in the value are masked. */
export type Shown = { readonly key: string; readonly value: unknown; readonly origin: string }

/** Every setting with its effective value, as it would stand in the file, and where it comes from. */
export function shownConfig(loaded: LoadedConfig): Shown[] {
  const masked = maskedConfig(loaded)
  return settings().map(({ key, path }) => {
    const value = path.reduce<unknown>((part, step) => (part as Record<string, unknown>)[step], masked)
    return { key, value, origin: originText(loaded.origins.get(key) ?? { kind: 'default' }) }
  })
}

/** `default`, `sallyport.yaml:3`, `environment SALLYPORT_LOG_LEVEL` or `flag`. */
export function originText(origin: Origin): string {
  switch (origin.kind) {
    case 'default':
    case 'flag':
      return origin.kind
    case 'file':
      return `${origin.file}:${origin.line}`
    case 'environment':
      return `environment ${origin.name}`
  }
}

/** The configuration as plain values in which no secret is left: nothing marked so, no password or query of a URL, nothing that came through `${…}`. */
function maskedConfig({ config, interpolated }: LoadedConfig): unknown {
  const isInterpolated = (path: string): boolean =>
    interpolated.some((one) => path === one || path.startsWith(`${one}[`) || path.startsWith(`${one}.`))
  return mapValues(
    configSchema,
    config,
    (value, note, path) => {
      if (value === null) return null
      if (note.secret || isInterpolated(pathText(path))) return MASK
      if (isAddress(value)) return formatAddress(value)
      return typeof value === 'string' ? withoutSecrets(value) : value
    },
    [],
  )
}

function withoutSecrets(text: string): string {
  return text
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, `$1${MASK}@`)
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^?#]*)\?.*$/is, `$1?${MASK}`)
}

const isAddress = (value: unknown): value is Address => typeof value === 'object' && value !== null && 'port' in value

const MASK = '***'

import { isDeepStrictEqual } from 'node:util'
import { configSchema } from './schema.ts'
import type { Config } from './schema.ts'
import { settings } from './settings.ts'

/** The settings that are set to something but whose feature is not built yet: accepted, not yet in force. */
export function laterKeys(config: Config): string[] {
  const defaults = configSchema.parse({})
  return settings()
    .filter(({ key, path }) => {
      const value = at(config, path)
      return isLater(key, value) && !isDeepStrictEqual(value, at(defaults, path))
    })
    .map(({ key }) => key)
}

function isLater(key: string, value: unknown): boolean {
  return later.some((entry) => {
    if (typeof entry === 'string') return key === entry || key.startsWith(`${entry}.`)
    return key === entry.key && entry.values.test(String(value))
  })
}

const at = (config: Config, path: readonly string[]): unknown =>
  path.reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], config)

/** Settings, whole sections, or values of a setting that wait for their feature. Who builds one removes its line. */
export const later: readonly (string | { readonly key: string; readonly values: RegExp })[] = [
  'gateway',
  { key: 'audit.store', values: /^postgres/ },
]

import { isDeepStrictEqual } from 'node:util'
import type { LoadedConfig } from './load.ts'
import { shownConfig } from './show.ts'
import { settings } from './settings.ts'

export type ConfigChanges = {
  readonly before: Readonly<Record<string, unknown>>
  readonly after: Readonly<Record<string, unknown>>
}

/** The settings that differ, by key, each as `config show` prints it: secrets masked on both sides. */
export function configChanges(before: LoadedConfig, after: LoadedConfig): ConfigChanges {
  const changed = new Set(
    settings()
      .filter(({ path }) => !isDeepStrictEqual(valueAt(before.config, path), valueAt(after.config, path)))
      .map(({ key }) => key),
  )
  const shown = (loaded: LoadedConfig): Record<string, unknown> =>
    Object.fromEntries(
      shownConfig(loaded)
        .filter(({ key }) => changed.has(key))
        .map(({ key, value }) => [key, value]),
    )
  return { before: shown(before), after: shown(after) }
}

function valueAt(config: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((part, step) => (part as Record<string, unknown> | undefined)?.[step], config)
}

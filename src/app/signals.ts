import { configChanges } from '../config/changes.ts'
import { loadWithOrigins } from '../config/load.ts'
import type { ConfigSource, LoadedConfig } from '../config/load.ts'
import { needsRestart } from '../config/reload.ts'
import type { Config } from '../config/schema.ts'
import { asSallyportError } from '../core/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Tell } from './acts.ts'

/** Reads the configuration as it is now, each time it is called; undefined when it is not valid: then the old one stays. */
export function reloader(first: LoadedConfig, source: ConfigSource, log: Log, tell?: Tell): () => Config | undefined {
  let last = first
  return () => {
    try {
      const next = loadWithOrigins(source)
      const restart = needsRestart(first.config, next.config)
      if (restart.length > 0) log.warn({ keys: restart }, 'changed, but in force only after a restart')
      log.info({}, 'configuration reloaded')
      const { before, after } = configChanges(last, next)
      last = next
      if (Object.keys(after).length > 0) tell?.({ what: 'config.reload', before, after: { ...after, restart } })
      return next.config
    } catch (thrown) {
      const { code, message } = asSallyportError(thrown)
      log.error({ code, problems: message }, 'configuration not reloaded: the old one stays in force')
      tell?.({ what: 'config.refused', after: { code, problems: message.slice(0, MOST_TOLD) } })
      return undefined
    }
  }
}

/** Resolves with the signal that ends the program; SIGHUP reloads. */
export function signals(log: Log, reload: () => Promise<void>): Promise<string> {
  return new Promise((resolve) => {
    process.on('SIGHUP', () => void reload().catch((error: unknown) => log.error({ err: error }, 'reload failed')))
    process.once('SIGTERM', () => resolve('SIGTERM'))
    process.once('SIGINT', () => resolve('SIGINT'))
  })
}

const MOST_TOLD = 2_000

import { loadConfig } from '../config/load.ts'
import type { ConfigSource } from '../config/load.ts'
import { needsRestart } from '../config/reload.ts'
import type { Config } from '../config/schema.ts'
import { asSallyportError } from '../core/errors.ts'
import type { Log } from '../lib/log.ts'

/** The configuration as it is now, or undefined when it is not valid: then the old one stays. */
export function reloaded(before: Config, source: ConfigSource, log: Log): Config | undefined {
  try {
    const next = loadConfig(source)
    const fixed = needsRestart(before, next)
    if (fixed.length > 0) log.warn({ keys: fixed }, 'changed, but in force only after a restart')
    log.info({}, 'configuration reloaded')
    return next
  } catch (thrown) {
    const error = asSallyportError(thrown)
    log.error({ code: error.code, problems: error.message }, 'configuration not reloaded: the old one stays in force')
    return undefined
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

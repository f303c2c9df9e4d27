import type { KeeperSettings } from '../audit/keeper/chores.ts'
import { startKeeper } from '../audit/keeper/keeper.ts'
import type { Config } from '../config/schema.ts'
import type { Log } from '../lib/log.ts'
import { createKeeperMetrics } from '../metrics/keeper.ts'
import { bodyKeys } from './body-keys.ts'
import { sinkWarnings } from './sink-warnings.ts'

/** The keeper of the ledger as a program has it: one, however many processes serve. */
export type ProgramKeeper = {
  /** Its metrics, in the Prometheus text format. */
  readonly metrics: () => Promise<string>
  /** What /readyz warns of. */
  readonly warnings: () => string[]
  readonly reload: (config: Config) => void
  /** After the recorders are closed. */
  readonly close: () => Promise<void>
}

/** Starts the keeper; what it tells goes to log and metrics. */
export function openKeeper(config: Config, log: Log): ProgramKeeper {
  const metrics = createKeeperMetrics()
  const unknown = (name: string): void => log.warn({ metric: name }, 'a metric of the keeper is not declared')
  const keys = bodyKeys(config, (message) => log.warn({}, message))
  const sinks = sinkWarnings()
  const keeper = startKeeper({
    settings: { ...keeperSettings(config), sinks: beginning(config, performance.timeOrigin), keys },
    notice: (level, message, fields) => log[level](fields, message),
    figure(name, value, labels) {
      sinks.figure(name, value, labels)
      if (!metrics.set(name, value, labels)) unknown(name)
    },
    count: (name, more, labels) => void (metrics.add(name, more, labels) || unknown(name)),
  })
  return {
    metrics: () => metrics.registry.metrics(),
    warnings: sinks.warnings,
    reload(next) {
      sinks.reset()
      keeper.reload({ ...keeperSettings(next), sinks: beginning(next, Date.now()), dir: config.data.dir, keys })
    },
    close: keeper.close,
  }
}

/** A sink that is new begins with what happened since the program, or its new configuration, began: not when its thread gets to it. */
function beginning({ audit }: Config, at: number): KeeperSettings['sinks'] {
  const since = new Date(at).toISOString()
  return audit.export.map((sink) => ({ ...sink, since: sink.since ?? since }))
}

/** What the keeper is told of the configuration. */
export function keeperSettings({ data, audit }: Config): KeeperSettings {
  return {
    dir: data.dir,
    durability: audit.durability,
    retention: audit.retention,
    checkpointSeconds: audit.checkpointSeconds,
    search: audit.search,
    sinks: audit.export,
  }
}

import type { KeeperSettings } from '../../src/audit/keeper/chores.ts'

/** What the keeper of a ledger without sinks is told, with what the test cares about laid over. */
export function keeperSettings(dir: string, over: Partial<KeeperSettings> = {}): KeeperSettings {
  return {
    dir,
    durability: 'crash',
    retention: { days: 90, maxBytes: 10 ** 10 },
    checkpointSeconds: 60,
    search: false,
    sinks: [],
    ...over,
  }
}

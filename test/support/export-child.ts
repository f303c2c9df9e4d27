import { startKeeper } from '../../src/audit/keeper/keeper.ts'

// A process that only exports the ledger of a folder, until it is killed: `node export-child.ts DIR SETTINGS`, settings of one sink as JSON.
const [dir = '', sink = '{}'] = process.argv.slice(2)

startKeeper({
  settings: {
    dir,
    durability: 'crash',
    retention: { days: 90, maxBytes: 2 ** 40 },
    checkpointSeconds: 3_600,
    search: false,
    sinks: [JSON.parse(sink) as { name: string; type: string }],
  },
  notice: () => undefined,
  figure: () => undefined,
  count: () => undefined,
})
setInterval(() => undefined, 60_000)

import { parseArgs } from 'node:util'
import { findAims, measureFind, printFind } from './ledger-find.ts'
import { measureProxy } from './ledger-proxy.ts'
import { measureLatency, measureRows } from './ledger-rows.ts'
import type { Latency, RowFigures } from './ledger-rows.ts'
import { figure, table } from './report.ts'
import { atLeast, atMost, cpuPer, ratio, type Measured } from './results.ts'

/** `npm run bench -- ledger [--quick] [--json] [--rounds N] [--workloads proxy,rows,latency,find]`: what the ledger costs. */
export async function benchLedger(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean' },
      json: { type: 'boolean' },
      rounds: { type: 'string' },
      workloads: { type: 'string' },
    },
  })
  const quick = values.quick === true
  const rounds = Number(values.rounds ?? (quick ? 1 : 5))
  const chosen = (name: string): boolean => values.workloads?.split(',').includes(name) ?? true
  const figures = {
    proxy: chosen('proxy') ? await measureProxy(quick ? 400 : 1_500, rounds) : [],
    rows: chosen('rows') ? await measureRows(quick ? 3_000 : 20_000, rounds) : [],
    latency: chosen('latency') ? await measureLatency(quick ? 500 : 3_000, rounds) : [],
    find: chosen('find') ? await measureFind(quick ? 50_000 : 1_000_000, rounds) : undefined,
  }
  if (values.json === true) console.log(JSON.stringify(figures))
  else {
    printProxy(figures.proxy)
    printRows(figures.rows)
    printLatency(figures.latency)
    if (figures.find !== undefined) printFind(figures.find)
  }
  for (const line of aims(figures)) console.log(line)
  for (const line of figures.find === undefined ? [] : findAims(figures.find)) console.log(line)
  return 0
}

function printProxy(all: readonly Measured[]): void {
  for (const workload of new Set(all.map((one) => one.workload))) {
    const results = all.filter((one) => one.workload === workload)
    const off = results.find(({ contestant }) => contestant === 'off')
    const head = ['', 'exchanges/s', '× off', 'p50 added', 'p99 added', 'CPU/exchange', '× off', 'failed']
    const rows = results.map((one) => [
      one.contestant,
      figure(one.exchanges),
      figure(ratio(one.exchanges, off?.exchanges)),
      figure(off && one.p50 - off.p50, ' ms'),
      figure(off && one.p99 - off.p99, ' ms'),
      figure(cpuPer(one), ' ms'),
      figure(off && cpuPer(one) / cpuPer(off)),
      one.failures === 0 ? '' : String(one.failures),
    ])
    console.log(`\nthrough the proxy, by durability (${workload})\n${table([head, ...rows])}`)
  }
}

function printRows(all: readonly RowFigures[]): void {
  if (all.length === 0) return
  const head = ['', 'bare/s', 'recorder/s', '× bare', 'bytes/row']
  const rows = all.map((one) => [
    `${one.way}, bodies of 2 × ${one.bodies}`,
    figure(one.bare),
    figure(one.recorder),
    figure(one.recorder / one.bare),
    figure(one.recorderSize),
  ])
  console.log(`\nrows per second, beside bare better-sqlite3 with the same columns\n${table([head, ...rows])}`)
}

function printLatency(all: readonly Latency[]): void {
  if (all.length === 0) return
  const head = ['', 'p50', 'p99']
  const rows = all.map(({ durability, atOnce, p50, p99 }) => [
    `${durability}, ${atOnce} at once`,
    figure(p50, ' ms'),
    figure(p99, ' ms'),
  ])
  console.log(`\nwhat a request waits for its row\n${table([head, ...rows])}`)
}

function aims({ proxy, rows, latency }: { proxy: Measured[]; rows: RowFigures[]; latency: Latency[] }): string[] {
  const of = (contestant: string) =>
    proxy.find((one) => one.contestant === contestant && one.workload === 'chat-1')?.p50
  const [off, crash] = [of('off'), of('crash')]
  const alone = latency.find(({ durability, atOnce }) => durability === 'crash' && atOnce === 1)
  return [
    ...rows.map((one) =>
      atLeast(`rows of bare better-sqlite3, ${one.way}, bodies of 2 × ${one.bodies}`, one.recorder / one.bare, 0.5),
    ),
    atMost('wait for the row at the median, crash, ms', alone?.p50, 0.3),
    atMost(
      'added by the ledger to an exchange at the median, crash, ms',
      off === undefined || crash === undefined ? undefined : crash - off,
      0.3,
    ),
  ].filter((line) => line !== undefined)
}

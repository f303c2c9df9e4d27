import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { KeeperSettings } from '../../src/audit/keeper/chores.ts'
import type { LedgerFilter } from '../../src/audit/find/filter.ts'
import { type Ledger, openLedger } from '../../src/audit/find/ledger.ts'
import { segmentChore } from '../../src/audit/find/segment-chore.ts'
import { textIndexChore } from '../../src/audit/find/text-index-chore.ts'
import { databasePath, openStore } from '../../src/store/open.ts'
import { tempFolder } from '../../test/support/temp.ts'
import { fillLedger } from './ledger-fill.ts'
import { figure, median, table } from './report.ts'
import { atMost } from './results.ts'

export type FindFigures = {
  readonly rows: number
  /** Milliseconds, medians. */
  readonly times: readonly { readonly what: string; readonly ms: number; readonly found: number }[]
  /** Bytes for each exchange. */
  readonly size: { readonly ledger: number; readonly columns: number; readonly index: number }
  /** Microseconds of the keeper for each exchange. */
  readonly keeper: { readonly columns: number; readonly index: number }
}

/** Finding among so many exchanges, a fifth as many connections, and some bodies in the rows. */
export async function measureFind(rows: number, rounds: number): Promise<FindFigures> {
  const dir = tempFolder('bench')
  fillLedger(dir, { exchanges: rows, connections: rows / 5, bodiesEvery: 20, bodyLength: 1_500, seed: 1 })
  const settings = settingsIn(dir)
  const db = openStore({ dir, durability: 'crash' })
  const signal = new AbortController().signal
  const columns = await timed(async () => segmentChore({ settings, db }).run(signal))
  const times = await timesOf(dir, questions, rounds)
  times.push(...(await timesOf(dir, textQuestions('without the index'), 1)))
  const index = await timed(async () => textIndexChore({ settings, db, now: Date.now }).run(signal))
  times.push(...(await timesOf(dir, textQuestions('with the index'), rounds)))
  db.close()
  const size = (path: string): number => statSync(path).size / rows
  const figures = {
    rows,
    times,
    size: {
      ledger: size(databasePath(dir)),
      columns: size(join(dir, 'index', 'columns.db')),
      index: size(join(dir, 'index', 'text.db')),
    },
    keeper: { columns: (columns * 1_000) / rows, index: (index * 1_000) / rows },
  }
  rmSync(dir, { recursive: true, force: true })
  return figures
}

export function printFind({ rows, times, size, keeper }: FindFigures): void {
  const lines = times.map(({ what, ms, found }) => [what, figure(ms, ' ms'), String(found)])
  console.log(`\nfinding among ${rows} exchanges\n${table([['', 'time', 'found'], ...lines])}`)
  console.log(
    `\nbytes an exchange: ledger ${figure(size.ledger)}, columns ${figure(size.columns)}, text index ${figure(size.index)}; ` +
      `keeper: columns ${figure(keeper.columns)} µs, text index ${figure(keeper.index)} µs`,
  )
}

/** Well under a second, for all but a text that is looked for in each body. */
export function findAims({ times }: FindFigures): string[] {
  const slowest = Math.max(...times.filter(({ what }) => !what.includes('without the index')).map(({ ms }) => ms))
  return [atMost('the slowest of find and stats, ms', slowest, 1_000)].filter((line) => line !== undefined)
}

type Question = { readonly what: string; readonly ask: (ledger: Ledger) => Promise<number> | number }

async function timesOf(
  dir: string,
  asked: readonly Question[],
  rounds: number,
): Promise<FindFigures['times'][number][]> {
  const ledger = openLedger(dir)
  const times = []
  for (const { what, ask } of asked) {
    const runs: number[] = []
    let found = 0
    for (let round = 0; round < rounds; round += 1) {
      runs.push(
        await timed(async () => {
          found = await ask(ledger)
        }),
      )
    }
    times.push({ what, ms: median(runs), found })
  }
  ledger.close()
  return times
}

async function timed(run: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await run()
  return performance.now() - started
}

const settingsIn = (dir: string): KeeperSettings => ({
  dir,
  durability: 'crash',
  retention: { days: 90, maxBytes: 2 ** 40 },
  checkpointSeconds: 60,
  search: true,
  sinks: [],
})

const filters: readonly LedgerFilter[] = [
  {},
  { decision: 'block' },
  { principal: 'person-997' },
  { provider: 'generic' },
  { model: 'claude-*' },
  { host: '*.example' },
  { finding: 'SECRET:*' },
  { since: '2026-01-10T00:00:00.000Z', until: '2026-01-11T00:00:00.000Z' },
  { finding: 'IBAN', decision: 'block', principal: 'person-1*' },
  { principal: 'nobody' },
]

const said = (filter: LedgerFilter): string => Object.entries(filter).flat().join(' ') || 'all'

const questions: readonly Question[] = [
  ...filters.map((filter) => ({
    what: `find 100: ${said(filter)}`,
    ask: (ledger: Ledger) => [...ledger.find('exchanges', filter, 100).rows()].length,
  })),
  {
    what: 'find 100 connections: decision deny host site-7*',
    ask: (ledger) => [...ledger.find('connections', { decision: 'deny', host: 'site-7*' }, 100).rows()].length,
  },
  ...filters.map((filter) => ({
    what: `stats: ${said(filter)}`,
    ask: (ledger: Ledger) => ledger.stats(filter).exchanges,
  })),
  { what: 'stats by hour', ask: (ledger) => ledger.stats({}, 'hour').groups?.length ?? 0 },
  { what: 'stats by principal', ask: (ledger) => ledger.stats({}, 'principal').groups?.length ?? 0 },
]

const textQuestions = (how: string): Question[] =>
  ['needle that is nowhere', 'content'].map((text) => ({
    what: `find 100: text ${text}, ${how}`,
    ask: async (ledger) => (await ledger.search('exchanges', { text }, { limit: 100 })).count,
  }))

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { BulkTable } from '../../../src/audit/find/ended.ts'
import { conditionOf, type LedgerFilter } from '../../../src/audit/find/filter.ts'
import { statsOf } from '../../../src/audit/find/ledger-stats.ts'
import { segmentChore } from '../../../src/audit/find/segment-chore.ts'
import { newest, openExchanges, select } from '../../../src/audit/find/selection.ts'
import { type Columns, type WrittenLedger, writtenLedger } from '../../support/written-ledger.ts'

const words = {
  host: fc.constantFrom('api.openai.com', 'openai.com', 'x[1].example'),
  provider: fc.constantFrom('openai', null),
  model: fc.constantFrom('gpt-5.1', 'gpt-5.1-mini', 'm[1]%', null),
  principal: fc.constantFrom('ada', 'bob', null),
  decision: fc.constantFrom('allow', 'block', 'redact', null),
  findings: fc.constantFrom('[]', null, '[{"type":"EMAIL"}]', '[{"type":"EMAIL"},{"type":"SECRET:x"}]'),
  cost_usd: fc.constantFrom(null, 0.1),
  output_tokens: fc.constantFrom(null, 3),
}
const day = (number: number) => new Date(Date.UTC(2026, 0, number)).toISOString()
const row = fc.record({ ...words, at: fc.integer({ min: 1, max: 9 }).map(day), state: fc.constantFrom('open', 'done') })
const connection = fc.record({
  host: words.host,
  principal: words.principal,
  handling: fc.constantFrom('tunnel', 'deny'),
})

type Change = {
  readonly kind: 'done' | 'lost' | 'erased'
  readonly which: number
  readonly decision: string
}
type Step =
  | Change
  | { readonly kind: 'exchanges' | 'connections'; readonly rows: readonly Columns[] }
  | { readonly kind: 'remove'; readonly share: number }
  | { readonly kind: 'keep'; readonly behind: number; readonly rows: number; readonly step: number }

const change = fc.record({
  kind: fc.constantFrom('done' as const, 'lost' as const, 'erased' as const),
  which: fc.nat(100),
  decision: fc.constantFrom('allow', 'block'),
})
const keep = fc.record({
  kind: fc.constant('keep' as const),
  behind: fc.constantFrom(1, 1, 4),
  rows: fc.integer({ min: 2, max: 4 }),
  step: fc.integer({ min: 1, max: 9 }),
})
const rows = fc.array(row, { minLength: 1, maxLength: 6, size: 'max' })
const connections = fc.array(connection, { minLength: 1, maxLength: 3 })

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('exchanges' as const), rows }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('connections' as const), rows: connections }) },
  { weight: 4, arbitrary: change },
  { weight: 4, arbitrary: keep },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('remove' as const),
      share: fc.double({ min: 0, max: 0.4, noNaN: true }),
    }),
  },
)

const filters: Readonly<Record<string, fc.Arbitrary<string>>> = {
  since: fc.integer({ min: 1, max: 9 }).map(day),
  until: fc.integer({ min: 1, max: 9 }).map(day),
  host: fc.constantFrom('*.openai.com', 'API.openai.com', '*openai*,x[1]*', '?penai.com'),
  provider: fc.constantFrom('openai', 'openai,other'),
  model: fc.constantFrom('gpt-*', 'm[1]%', 'gpt-5.1', 'm[0-9]*'),
  principal: fc.constantFrom('ada', 'bob, ada'),
  decision: fc.constantFrom('block', 'allow,redact'),
  finding: fc.constantFrom('EMAIL', 'SECRET:*', 'MAIL'),
}
// One or two: with more hardly a row fits.
const filter: fc.Arbitrary<LedgerFilter> = fc
  .subarray(Object.keys(filters), { minLength: 1, maxLength: 2 })
  .chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, filters[name]!]))))

test('what is selected is what SQL would, whatever was added, ended, erased, removed, and however far the columns are', async () => {
  const steps = fc.array(step, { minLength: 1, maxLength: 25, size: 'max' })
  await fc.assert(
    fc.asyncProperty(steps, filter, fc.nat(12), async (all, some, limit) => {
      const ledger = writtenLedger()
      try {
        for (const one of all) {
          await take(ledger, one)
          for (const wanted of [{}, some]) compare(ledger, wanted, limit)
        }
      } finally {
        ledger.close()
      }
    }),
    { numRuns: 12, endOnFailure: true },
  )
})

async function take(ledger: WrittenLedger, one: Step): Promise<void> {
  switch (one.kind) {
    case 'exchanges':
    case 'connections':
      ledger[one.kind](...one.rows)
      return
    case 'remove':
      return ledger.remove(Math.min(ledger.head() - 1, Math.floor(ledger.head() * one.share)))
    case 'keep':
      return segmentChore({ settings: settingsOf(ledger), db: ledger.db }, one).run(new AbortController().signal)
    case 'done':
    case 'lost':
    case 'erased':
      return alter(ledger, one)
  }
}

function alter(ledger: WrittenLedger, { kind, which, decision }: Change): void {
  const state = kind === 'erased' ? `state <> 'open'` : 'true'
  const seqs = ledger.db.prepare<[], number>(`SELECT seq FROM exchanges WHERE ${state}`).pluck().all()
  const seq = seqs[which % seqs.length]
  if (seq === undefined) return
  if (kind === 'erased') ledger.change(kind, seq, { erased: day(9) })
  else ledger.change(kind, seq, kind === 'done' ? { state: 'done', decision } : { state: 'lost' })
}

function compare(ledger: WrittenLedger, wanted: LedgerFilter, limit: number): void {
  for (const table of ['exchanges', 'connections'] as const) {
    const { host, principal, decision } = wanted
    const fit = table === 'exchanges' ? wanted : { host, principal, decision }
    const expected = inSql(ledger, table, fit)
    assert.deepEqual(selected(ledger, table, fit, Infinity), expected)
    assert.deepEqual(selected(ledger, table, fit, limit), expected.slice(0, limit))
    const before = expected[limit] ?? 3
    assert.deepEqual(selected(ledger, table, fit, 2, before), expected.filter((seq) => seq < before).slice(0, 2))
  }
  const stats = statsOf(ledger, wanted)
  const { sql, values } = conditionOf('exchanges', wanted)
  const sums = ledger.db
    .prepare<unknown[], Columns>(
      `SELECT count(*) AS n, sum(output_tokens) AS tokens, count(cost_usd) AS priced,
        count(*) FILTER (WHERE decision = 'block') AS blocked FROM exchanges WHERE ${sql}`,
    )
    .get(...values)
  assert.deepEqual(
    [stats.exchanges, stats.tokens['output'] ?? 0, stats.decisions['block'] ?? 0],
    [sums?.['n'], sums?.['tokens'] ?? 0, sums?.['blocked']],
  )
  const cost = Number(sums?.['priced']) * 0.1
  assert.ok(cost === 0 ? stats.cost_usd === null : Math.abs((stats.cost_usd ?? 0) - cost) < 1e-9)
}

const settingsOf = ({ dir }: WrittenLedger) => ({
  dir,
  durability: 'relaxed' as const,
  retention: { days: 1, maxBytes: 1 },
  checkpointSeconds: 60,
  search: false,
  sinks: [],
})

function inSql({ db }: WrittenLedger, table: BulkTable, wanted: LedgerFilter): number[] {
  const { sql, values } = conditionOf(table, wanted)
  return db
    .prepare<unknown[], number>(`SELECT seq FROM ${table} WHERE ${sql} ORDER BY seq DESC`)
    .pluck()
    .all(...values)
}

const selected = (ledger: WrittenLedger, table: BulkTable, wanted: LedgerFilter, limit: number, beforeSeq?: number) =>
  select(ledger, { table, filter: wanted, beforeSeq }, (rows) => newest(rows, limit))

test('rows that have not ended are found by an index', () => {
  const ledger = writtenLedger()
  const [, open] = ledger.exchanges({}, { state: 'open' })
  assert.deepEqual(openExchanges(ledger.db), [open])
  const plan = ledger.db.prepare(`EXPLAIN QUERY PLAN SELECT seq FROM exchanges WHERE state = 'open'`).all()
  assert.match(JSON.stringify(plan), /exchanges_open/)
  ledger.close()
})

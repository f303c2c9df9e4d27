import type { Store } from '../store/open.ts'
import { conditionOf, type LedgerFilter, unfitFilters } from './filter.ts'
import type { Value } from './rows.ts'

type Counts = Readonly<Record<string, number>>
type Percentiles = { readonly p50: number | null; readonly p99: number | null }

export type LedgerStats = {
  readonly exchanges: number
  readonly decisions: Counts
  readonly states: Counts
  readonly providers: Counts
  readonly models: Counts
  /** Findings by type. */
  readonly findings: Counts
  /** By handling; empty when the filter is about more than connections have. */
  readonly connections: Counts
  readonly tokens: Counts
  /** The sum of what is known; `unpriced` exchanges have tokens and no price. */
  readonly cost_usd: number
  readonly unpriced: number
  readonly duration_ms: Percentiles
  readonly first_byte_ms: Percentiles
  readonly added_ms: Percentiles
}

export function statsOf(db: Store, filter: Omit<LedgerFilter, 'text'>): LedgerStats {
  const { sql, values } = conditionOf('exchanges', filter)
  const from = { rows: `FROM exchanges WHERE ${sql}`, values }
  const sums = sumsOf(db, from)
  const connectionsToo = unfitFilters('connections', filter).length === 0
  const connections = conditionOf('connections', filter)
  return {
    exchanges: sums.exchanges ?? 0,
    decisions: countsBy(db, 'decision', from),
    states: countsBy(db, 'state', from),
    providers: countsBy(db, 'provider', from),
    models: countsBy(db, 'model', from),
    findings: findingsOf(db, from),
    connections: connectionsToo
      ? countsBy(db, 'handling', { rows: `FROM connections WHERE ${connections.sql}`, values: connections.values })
      : {},
    tokens: {
      input: sums.input ?? 0,
      cached: sums.cached ?? 0,
      cache_write: sums.cache_write ?? 0,
      output: sums.output ?? 0,
      reasoning: sums.reasoning ?? 0,
    },
    cost_usd: sums.cost ?? 0,
    unpriced: sums.unpriced ?? 0,
    duration_ms: percentilesOf(db, 'duration_ms', from),
    first_byte_ms: percentilesOf(db, 'first_byte_ms', from),
    added_ms: percentilesOf(db, 'added_ms', from),
  }
}

type Source = { readonly rows: string; readonly values: readonly Value[] }

function sumsOf(db: Store, from: Source): Partial<Record<string, number | null>> {
  const sql = `SELECT count(*) AS exchanges, sum(input_tokens) AS input, sum(cached_tokens) AS cached,
    sum(cache_write_tokens) AS cache_write, sum(output_tokens) AS output, sum(reasoning_tokens) AS reasoning,
    sum(cost_usd) AS cost, count(*) FILTER (WHERE cost_usd IS NULL AND output_tokens IS NOT NULL) AS unpriced ${from.rows}`
  return db.prepare<Value[], Record<string, number | null>>(sql).get(...from.values) ?? {}
}

function countsBy(db: Store, column: string, from: Source): Counts {
  const sql = `SELECT ${column} AS name, count(*) AS n ${from.rows} GROUP BY 1 ORDER BY n DESC, 1 LIMIT ${GROUPS}`
  return tally(db, sql, from.values)
}

function findingsOf(db: Store, from: Source): Counts {
  const sql = `SELECT f.value ->> 'type' AS name, count(*) AS n FROM
    (SELECT findings ${from.rows} AND findings IS NOT NULL) AS e, json_each(e.findings) AS f
    GROUP BY 1 ORDER BY n DESC, 1 LIMIT ${GROUPS}`
  return tally(db, sql, from.values)
}

function tally(db: Store, sql: string, values: readonly Value[]): Counts {
  const rows = db.prepare<Value[], { name: string | null; n: number }>(sql).all(...values)
  return Object.fromEntries(rows.flatMap(({ name, n }) => (name === null ? [] : [[name, n]])))
}

function percentilesOf(db: Store, column: string, from: Source): Percentiles {
  const known = `${from.rows} AND ${column} IS NOT NULL`
  const count = Number(
    db
      .prepare<Value[], number>(`SELECT count(*) ${known}`)
      .pluck()
      .get(...from.values),
  )
  const at = db.prepare<Value[], number>(`SELECT ${column} ${known} ORDER BY 1 LIMIT 1 OFFSET ?`).pluck()
  const rank = (share: number): number | null =>
    at.get(...from.values, Math.min(count - 1, Math.floor(count * share))) ?? null
  return count === 0 ? { p50: null, p99: null } : { p50: rank(0.5), p99: rank(0.99) }
}

const GROUPS = 100

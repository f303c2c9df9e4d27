import type { ConnectionRow, ExchangeDone, Value } from '../rows.ts'

export const ledgerTables = ['exchanges', 'connections', 'events'] as const

export type LedgerTable = (typeof ledgerTables)[number]

/**
 * What rows must be. `since` and `until` are ISO 8601, the second exclusive. The others are one value or several with commas between, of
 * which one must fit; `host`, `model` and `finding` (its type) may have `*` and `?`. `text` is looked for in bodies, whatever its case.
 */
export type LedgerFilter = {
  readonly since?: string
  readonly until?: string
  readonly host?: string
  readonly provider?: string
  readonly model?: string
  readonly principal?: string
  readonly decision?: string
  readonly finding?: string
  readonly text?: string
}

/** What `decision` can be. */
export const decisionsOf = {
  exchanges: ['allow', 'flag', 'tokenize', 'redact', 'block', 'error', 'attested'],
  connections: ['inspect', 'tunnel', 'deny', 'attested', 'rejected-leaf', 'failed'],
  events: [],
} as const satisfies {
  readonly exchanges: readonly ExchangeDone['decision'][]
  readonly connections: readonly ConnectionRow['handling'][]
  readonly events: readonly never[]
}

export type Condition = { readonly sql: string; readonly values: readonly Value[] }

/** The filter as a condition on a table. The rows of exchanges whose bodies are in files pass `text`: look into the files. */
export function conditionOf(table: LedgerTable, filter: LedgerFilter): Condition {
  const parts = filterEntries(filter).map(([name, value]) => filters[table][name]?.(value) ?? NOTHING)
  return {
    sql: parts.map(({ sql }) => `(${sql})`).join(' AND ') || 'true',
    values: parts.flatMap(({ values }) => values),
  }
}

/** The names of filters that mean nothing for a table. */
export function unfitFilters(table: LedgerTable, filter: LedgerFilter): string[] {
  return filterEntries(filter).flatMap(([name]) => (filters[table][name] === undefined ? [name] : []))
}

/** `7d`, `24h`, `30m`, `45s` before `now`, or a date or time as ISO 8601 (UTC unless it says otherwise); undefined for anything else. */
export function parseWhen(text: string, now: number): string | undefined {
  const ago = /^(\d{1,9})([dhms])$/.exec(text)
  if (ago !== null) return iso(now - Number(ago[1]) * unitMs[ago[2] as keyof typeof unitMs])
  if (!/^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?$/.test(text)) return undefined
  const zoned = /T|\s/.test(text) && !/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? `${text}Z` : text
  return iso(Date.parse(zoned.replace(' ', 'T')))
}

function iso(time: number): string | undefined {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() < 0 ? undefined : date.toISOString()
}

export type FilterName = keyof LedgerFilter

/** What a filter says. */
export function filterEntries(filter: LedgerFilter): [FilterName, string][] {
  return Object.entries(filter).filter(([, value]) => value !== undefined) as [FilterName, string][]
}

/** The values of which one must fit. */
export const listOf = (value: string): string[] => value.split(',').map((item) => item.trim())

type ToCondition = (value: string) => Condition

const since: ToCondition = (value) => ({ sql: 'at >= ?', values: [value] })
const until: ToCondition = (value) => ({ sql: 'at < ?', values: [value] })

function oneOf(column: string): ToCondition {
  return (value) => {
    const values = listOf(value)
    return { sql: `${column} IN (${values.map(() => '?').join(', ')})`, values }
  }
}

function globs(column: string): ToCondition {
  return (value) => {
    const values = listOf(value).map(sqlGlob)
    return { sql: values.map(() => `${column} GLOB ?`).join(' OR ') || 'false', values }
  }
}

const hosts: ToCondition = (value) => globs('host')(value.toLowerCase())

const findingTypes: ToCondition = (value) => {
  const { sql, values } = globs(`f.value ->> 'type'`)(value)
  return { sql: `EXISTS (SELECT 1 FROM json_each(findings) AS f WHERE ${sql})`, values }
}

function textIn(columns: readonly string[], otherwise: string): ToCondition {
  return (value) => {
    const pattern = `%${value.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
    const sql = columns.map((column) => String.raw`${column} LIKE ? ESCAPE '\'`).join(' OR ')
    return { sql: sql + otherwise, values: columns.map(() => pattern) }
  }
}

// In GLOB a bracket opens a set of characters; for us it is itself.
const sqlGlob = (pattern: string): string => pattern.replaceAll('[', '[[]')

const filters: Readonly<Record<LedgerTable, Partial<Record<FilterName, ToCondition>>>> = {
  exchanges: {
    since,
    until,
    host: hosts,
    provider: oneOf('provider'),
    model: globs('model'),
    principal: oneOf('principal'),
    decision: oneOf('decision'),
    finding: findingTypes,
    text: textIn(['request_body', 'response_body'], ' OR request_spill IS NOT NULL OR response_spill IS NOT NULL'),
  },
  connections: { since, until, host: hosts, principal: oneOf('principal'), decision: oneOf('handling') },
  events: {
    since,
    until,
    principal: oneOf('who'),
    text: textIn(['what', 'subject', '"before"', '"after"'], ''),
  },
}

const NOTHING: Condition = { sql: 'false', values: [] }
const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 } as const

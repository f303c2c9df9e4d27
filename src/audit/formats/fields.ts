import { isIP } from 'node:net'
import type { LedgerRow } from '../find/presented.ts'
import type { ExportTable } from '../sinks/sink.ts'

/** A column as text; undefined when it is null, empty or not there. */
export function text(row: LedgerRow, column: string): string | undefined {
  const value = row[column]
  if (typeof value === 'string') return value === '' ? undefined : value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** A column as a finite number. */
export function number(row: LedgerRow, column: string): number | undefined {
  const value = row[column]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** A column as a whole number. */
export function whole(row: LedgerRow, column: string): number | undefined {
  const value = number(row, column)
  return value === undefined ? undefined : Math.round(value)
}

/** A column that is a port, when it is one. */
export function port(row: LedgerRow): number | undefined {
  const value = number(row, 'port')
  return value !== undefined && Number.isInteger(value) && value >= 0 && value < 65_536 ? value : undefined
}

/** A 0/1 column. */
export function flag(row: LedgerRow, column: string): boolean | undefined {
  const value = row[column]
  return value === 1 || value === true ? true : value === 0 || value === false ? false : undefined
}

/** A column that is an address, when it is one. */
export function address(row: LedgerRow, column: string): string | undefined {
  const value = text(row, column)
  return value !== undefined && isIP(value) !== 0 ? value : undefined
}

/** A JSON column that is a list of objects. */
export function objects(row: LedgerRow, column: string): readonly LedgerRow[] {
  const value = row[column]
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** The first thousand of such a list: receivers refuse events of many megabytes. How many there were is told beside it. */
export function firstObjects(row: LedgerRow, column: string): readonly LedgerRow[] {
  return objects(row, column).slice(0, MANY)
}

/** The names in `tools`: `offered` to the model, or `called` by it. */
export function toolNames(row: LedgerRow, which: 'offered' | 'called'): readonly string[] {
  const names = isObject(row.tools) ? row.tools[which] : undefined
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []
}

/** Each of some values of the objects of a JSON column, once. */
export function distinct(row: LedgerRow, column: string, key: string): readonly string[] {
  return [...new Set(objects(row, column).flatMap((item) => text(item, key) ?? []))]
}

/** The sum of the whole numbers that are known; undefined when none is. */
export function sum(row: LedgerRow, ...columns: readonly string[]): number | undefined {
  const known = columns.flatMap((column) => whole(row, column) ?? [])
  return known.length === 0 ? undefined : known.reduce((total, value) => total + value, 0)
}

/** A count for a field that holds whole numbers of 32 bits: greater ones stay at the greatest. */
export function int32(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.min(value, 2 ** 31 - 1)
}

/** When it was, in milliseconds since 1970. */
export function timeOf(row: LedgerRow): number {
  const time = Date.parse(text(row, 'at') ?? '')
  return Number.isFinite(time) ? time : 0
}

/** What happened, in one word: decision, handling, act or reason. It is stable: rules of receivers hang on it. */
export function actionOf(table: ExportTable, row: LedgerRow): string {
  return text(row, actionColumn[table]) ?? text(row, 'state') ?? 'unknown'
}

/** The id of a kind of row, as `exchange:block`. */
export function kindOf(table: ExportTable, row: LedgerRow): string {
  return `${singular[table]}:${actionOf(table, row)}`
}

/** What a row says of itself in a few words, for people. */
export function titleOf(table: ExportTable, row: LedgerRow): string {
  return table === 'events'
    ? actionOf(table, row)
    : (titles[kindOf(table, row)] ?? `${singular[table]} ${actionOf(table, row)}`)
}

/** The id of a row; of a checkpoint its number. */
export function idOf(table: ExportTable, row: LedgerRow): string {
  return text(row, table === 'checkpoints' ? 'number' : 'id') ?? 'unknown'
}

/** Whether what was asked for happened; undefined when it is not known. */
export function succeeded(table: ExportTable, row: LedgerRow): boolean | undefined {
  if (table === 'exchanges') return exchangeSucceeded(row)
  if (table === 'connections') return !['deny', 'rejected-leaf', 'failed'].includes(actionOf(table, row))
  return !failedAct(actionOf(table, row))
}

/** Whether the name of an act says that something went wrong. */
export function failedAct(what: string): boolean {
  return /(?:failed|failure|refused|denied|rejected|invalid|died|unclean|gap)$/.test(what)
}

function exchangeSucceeded(row: LedgerRow): boolean | undefined {
  const { state, decision } = row
  if (state === 'lost' || state === 'open') return undefined
  return state === 'done' && decision !== 'block' && decision !== 'error' && (number(row, 'status') ?? 0) < 400
}

export function isObject(value: unknown): value is LedgerRow {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export const singular = {
  exchanges: 'exchange',
  connections: 'connection',
  events: 'event',
  checkpoints: 'checkpoint',
} as const satisfies Record<ExportTable, string>

const actionColumn = { exchanges: 'decision', connections: 'handling', events: 'what', checkpoints: 'reason' } as const

const titles: Readonly<Record<string, string>> = {
  'exchange:allow': 'LLM exchange allowed',
  'exchange:flag': 'LLM exchange flagged',
  'exchange:tokenize': 'LLM exchange tokenized',
  'exchange:redact': 'LLM exchange redacted',
  'exchange:block': 'LLM exchange blocked',
  'exchange:error': 'LLM exchange failed',
  'exchange:attested': 'LLM exchange attested',
  'exchange:lost': 'LLM exchange lost',
  'exchange:open': 'LLM exchange open',
  'connection:inspect': 'Connection inspected',
  'connection:tunnel': 'Connection tunnelled',
  'connection:deny': 'Connection denied',
  'connection:attested': 'Connection attested',
  'connection:rejected-leaf': 'Certificate rejected by the client',
  'connection:failed': 'Connection failed',
  'checkpoint:interval': 'Ledger checkpoint',
  'checkpoint:shutdown': 'Ledger checkpoint at shutdown',
  'checkpoint:demand': 'Ledger checkpoint on demand',
  'checkpoint:retention': 'Ledger checkpoint of retention',
}

const MANY = 1_000

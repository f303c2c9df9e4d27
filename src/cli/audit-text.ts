import type { LedgerTable } from '../audit/find/filter.ts'
import type { LedgerRow } from '../audit/find/presented.ts'
import { indented } from './indented.ts'

/** A row on one line. */
export function lineOf(table: LedgerTable, row: LedgerRow): string {
  return lines[table](row)
    .filter((part) => part !== '')
    .join('  ')
}

/** A whole row: its columns, then findings and hooks, then the bodies. */
export function shownRow(row: LedgerRow): string[] {
  const columns = Object.entries(row).filter(([name, value]) => value !== null && !apart.has(name))
  const width = Math.max(...columns.map(([name]) => name.length))
  return [
    ...columns.map(
      ([name, value]) => `${name.padEnd(width)}  ${typeof value === 'string' ? value : JSON.stringify(value)}`,
    ),
    ...listed('findings', row.findings),
    ...listed('hooks', row.hooks),
    ...body('request body', row.request_body),
    ...body('response body', row.response_body),
  ]
}

const lines: Readonly<Record<LedgerTable, (row: LedgerRow) => string[]>> = {
  exchanges: (row) => [
    word(row.at),
    word(row.id),
    (word(row.decision) || word(row.state)).padEnd(8),
    word(row.status) || '-',
    `${word(row.method)} ${word(row.host)}${word(row.path)}`,
    word(row.model),
    row.duration_ms === null ? '' : ms(row.duration_ms),
    typesOf(row.findings),
    row.state === 'done' || row.decision === null ? '' : word(row.state),
    word(row.error),
  ],
  connections: (row) => [
    word(row.at),
    word(row.id),
    word(row.handling).padEnd(8),
    `${word(row.host) || word(row.client_ip)}${row.port === null ? '' : `:${word(row.port)}`}`,
    `up ${word(row.bytes_up) || '0'} down ${word(row.bytes_down) || '0'}`,
    word(row.reason),
    word(row.error),
  ],
  events: (row) => [word(row.at), word(row.id), word(row.who), word(row.what), word(row.subject)],
}

function typesOf(findings: unknown): string {
  if (!Array.isArray(findings)) return ''
  const counts = new Map<string, number>()
  for (const finding of findings) {
    const type = isFinding(finding) ? finding.type : '?'
    counts.set(type, (counts.get(type) ?? 0) + 1)
  }
  return [...counts].map(([type, count]) => (count === 1 ? type : `${type}×${count}`)).join(',')
}

function isFinding(value: unknown): value is { type: string } {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

function listed(title: string, items: unknown): string[] {
  if (!Array.isArray(items) || items.length === 0) return []
  return ['', title, ...items.map((item) => `  ${JSON.stringify(item)}`)]
}

function body(title: string, text: unknown): string[] {
  if (typeof text !== 'string') return []
  return ['', title, ...pretty(text).split(/\r?\n/)]
}

// Not printed from what is parsed: long integers would lose their last digits.
function pretty(text: string): string {
  try {
    JSON.parse(text)
  } catch {
    return text
  }
  return indented(text)
}

const word = (value: unknown): string =>
  value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)

export const ms = (value: unknown): string => `${typeof value === 'number' ? Number(value.toFixed(1)) : '-'} ms`

const apart = new Set(['findings', 'hooks', 'request_body', 'response_body'])

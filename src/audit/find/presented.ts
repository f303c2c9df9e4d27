import type { Value } from '../rows.ts'

/** A row by its column names; JSON columns are parsed. */
export type LedgerRow = Readonly<Record<string, unknown>>

/** A row for people and programs: without what is only ours, JSON columns parsed. */
export function presented(row: Readonly<Record<string, Value>>): LedgerRow {
  const shown: Record<string, unknown> = {}
  for (const [column, value] of Object.entries(row)) {
    if (internal.has(column)) continue
    shown[column] = jsonColumns.has(column) && typeof value === 'string' ? parsed(value) : value
  }
  return shown
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const internal = new Set(['seq', 'owner', 'block'])
const jsonColumns = new Set(['findings', 'hooks', 'tools', 'attestation', 'before', 'after'])

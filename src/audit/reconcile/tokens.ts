import type Database from 'better-sqlite3'
import { SallyportError } from '../../core/errors.ts'

/** That a row tells of a token: one that was sent to another proxy, or one that came. */
export type Told = {
  readonly way: 'sent' | 'received'
  readonly jti: string
  readonly device: string | null
  readonly policy: string | null
  readonly outcome: string
  readonly table: 'exchanges' | 'connections'
  readonly id: string
  readonly at: string
  readonly host: string | null
  readonly port: number | null
  readonly error: string | null
}

/** The tokens that a ledger tells of, row by row. It may come from a stranger: what cannot be a token is left out. */
export function* tokensOf(db: Database.Database): Iterable<Told> {
  for (const table of ['exchanges', 'connections'] as const)
    for (const row of rowsOf(db, table)) for (const token of attestationsOf(row)) yield { ...token, table }
}

/** Rows that end may tell of tokens still; those that were lost never will. */
export function untold(db: Database.Database): { readonly open: number; readonly lost: number } {
  const count = (state: string): number =>
    db.prepare<[string], number>('SELECT count(*) FROM exchanges WHERE state = ?').pluck().get(state) ?? 0
  return { open: count('open'), lost: count('lost') }
}

type Row = {
  readonly seq: number
  readonly id: unknown
  readonly at: unknown
  readonly host: unknown
  readonly port: unknown
  readonly error: unknown
  readonly attestation: unknown
}

/** In pages by number: in a damaged file rows may come again and again. */
function* rowsOf(db: Database.Database, table: 'exchanges' | 'connections'): Iterable<Row> {
  const columns = [short('id', 64), short('at', 64), short('host', 256), 'port', short('error', 256)].join(', ')
  const page = db.prepare<[number], Row>(
    `SELECT seq, ${columns}, ${short('attestation', MOST_BYTES)} FROM ${table} WHERE seq > ? AND attestation IS NOT NULL ORDER BY seq LIMIT 500`,
  )
  let last = Number.MIN_SAFE_INTEGER
  for (let rows = page.all(last); rows.length > 0; rows = page.all(last)) {
    for (const row of rows) {
      if (!(row.seq > last)) {
        throw new SallyportError('ledger_corrupt', `the ledger is damaged: rows of ${table} come again`, {
          hint: 'Take a copy from a backup.',
        })
      }
      last = row.seq
      yield row
    }
  }
}

function attestationsOf({ id, at, host, port, error, attestation }: Row): Omit<Told, 'table'>[] {
  const parsed = parse(attestation)
  if (parsed === undefined || typeof id !== 'string' || typeof at !== 'string') return []
  const where = {
    id,
    at,
    host: textOr(host),
    port: Number.isSafeInteger(port) ? (port as number) : null,
    error: textOr(error),
  }
  return [parsed, objectOr(parsed['signed'])].flatMap((some) => {
    const { outcome, jti, device, policy } = some ?? {}
    if (!isWord(outcome) || !isWord(jti)) return []
    const way = outcome === 'signed' ? 'sent' : 'received'
    return [{ ...where, way, jti, outcome, device: wordOr(device), policy: wordOr(policy) } as const]
  })
}

function parse(text: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof text !== 'string') return undefined
  try {
    return objectOr(JSON.parse(text))
  } catch {
    return undefined
  }
}

function objectOr(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined
}

const isWord = (value: unknown): value is string => typeof value === 'string' && /^[\w.:-]{1,128}$/.test(value)
const wordOr = (value: unknown): string | null => (isWord(value) ? value : null)
const textOr = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** A column, or null when it has more bytes than it can need. */
const short = (column: string, bytes: number): string =>
  `CASE WHEN octet_length(${column}) <= ${bytes} THEN ${column} END AS ${column}`

const MOST_BYTES = 4_096

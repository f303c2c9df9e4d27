import { isUtf8 } from 'node:buffer'
import type { Store } from '../../store/open.ts'
import { type LedgerTable, ledgerTables } from './filter.ts'
import { type LedgerRow, presented } from './presented.ts'
import type { ContentReader } from '../bodies/read-content.ts'
import type { Value } from '../rows.ts'
import type { Side } from '../bodies/seal.ts'
import type { Why } from '../bodies/spill-stream.ts'

/** A body that is not shown: it cannot be read, or is larger than asked for. */
export type Unshown = { readonly side: Side; readonly why: Why; readonly reason: string }

/**
 * `row` has its bodies, also those in files: text as `request_body` and `response_body`, what is no text as `request_body_base64` and
 * `response_body_base64`.
 */
export type Shown =
  | { readonly kind: 'row'; readonly table: LedgerTable; readonly row: LedgerRow; readonly unshown: readonly Unshown[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'several'; readonly ids: readonly string[] }

/** One row of any table, by its id or the beginning of it, with bodies of at most `maxBytes` each. */
export async function showRow(db: Store, reader: ContentReader, id: string, maxBytes: number): Promise<Shown> {
  const found = rowOf(db, id)
  if (found.kind !== 'row') return found
  const whole: Record<string, unknown> = { ...presented(found.row) }
  const unshown: Unshown[] = []
  if (found.table === 'exchanges') {
    for (const side of ['request', 'response'] as const) {
      const read = await reader.read(found.row, side, maxBytes)
      whole[`${side}_body`] = null
      if (read.kind === 'unreadable') unshown.push({ side, why: read.why, reason: read.reason })
      if (read.kind !== 'content') continue
      if (isUtf8(read.bytes)) whole[`${side}_body`] = read.bytes.toString('utf8')
      else whole[`${side}_body_base64`] = read.bytes.toString('base64')
    }
  }
  return { kind: 'row', table: found.table, row: whole, unshown }
}

/** A stored body as it was, in pieces and in bounded memory; nothing when the row has none. `pieces` throws `Unreadable`. */
export type ShownBody =
  | { readonly kind: 'body'; readonly pieces: AsyncGenerator<Uint8Array> }
  | Exclude<Shown, { readonly kind: 'row' }>

export function showBody(db: Store, reader: ContentReader, id: string, side: Side): ShownBody {
  const found = rowOf(db, id)
  return found.kind === 'row' ? { kind: 'body', pieces: reader.pieces(found.row, side) } : found
}

type StoredRow = Readonly<Record<string, Value>>
type Found =
  | { readonly kind: 'row'; readonly table: LedgerTable; readonly row: StoredRow }
  | Exclude<Shown, { readonly kind: 'row' }>

function rowOf(db: Store, id: string): Found {
  const prefix = id.toLowerCase()
  const found = ledgerTables.flatMap((table) => {
    const sql = `SELECT * FROM ${table} WHERE id >= ? AND id < ? ORDER BY id LIMIT ${SEVERAL}`
    const rows = db.prepare<Value[], StoredRow>(sql).all(prefix, `${prefix}~`)
    return rows.map((row) => ({ table, row }))
  })
  const hit = found.find(({ row }) => row['id'] === prefix) ?? (found.length === 1 ? found[0] : undefined)
  if (hit !== undefined) return { kind: 'row', ...hit }
  return found.length === 0 ? { kind: 'none' } : { kind: 'several', ids: found.map(({ row }) => String(row['id'])) }
}

const SEVERAL = 5

import { isUtf8 } from 'node:buffer'
import type { Store } from '../../store/open.ts'
import { contentColumns, type ContentReader, type ContentRow } from '../bodies/read-content.ts'
import type { LedgerRow } from '../find/presented.ts'
import type { ExportRow } from '../sinks/sink.ts'

/** Puts the bodies that the ledger holds into a row of `exchanges`. */
export type ContentFiller = (row: LedgerRow) => Promise<LedgerRow>

/**
 * `request_body` and `response_body` become text; content that is no text, `request_body_base64` and `response_body_base64`. Of what cannot
 * be read, or is larger than 8 MiB, `request_body_missing` and `response_body_missing` say why. Read as it stands now: erased content
 * is gone.
 */
export function contentFiller(db: Store, contents: Pick<ContentReader, 'read'>): ContentFiller {
  const stored = db.prepare<[unknown], ContentRow>(`SELECT ${contentColumns} FROM exchanges WHERE id = ?`)
  return async (row) => {
    const content = stored.get(row.id)
    const whole: Record<string, unknown> = { ...row, request_body: null, response_body: null }
    if (content === undefined) return whole
    for (const side of ['request', 'response'] as const) {
      const found = await contents.read(content, side, MAX_CONTENT_BYTES)
      if (found.kind === 'unreadable') whole[`${side}_body_missing`] = found.reason
      if (found.kind !== 'content') continue
      if (isUtf8(found.bytes)) whole[`${side}_body`] = found.bytes.toString('utf8')
      else whole[`${side}_body_base64`] = found.bytes.toString('base64')
    }
    return whole
  }
}

/**
 * The rows with their bodies, those of `exchanges`, until these come to `mostBytes`: the rest of the rows is left for another time. All of
 * them, as they are, without a filler. How long a body is says only its content: a small one on the wire may have been compressed.
 */
export async function filledRows<T extends { readonly out: ExportRow }>(
  rows: readonly T[],
  fill: ContentFiller | undefined,
  mostBytes: number,
): Promise<readonly T[]> {
  if (fill === undefined) return rows
  const whole: T[] = []
  let bytes = 0
  for (const row of rows) {
    if (bytes >= mostBytes) break
    const { out } = row
    if (out.table === 'exchanges') {
      const filled = await fill(out.row)
      whole.push({ ...row, out: { ...out, row: filled } })
      bytes += contentLength(filled)
    } else whole.push(row)
  }
  return whole
}

function contentLength(row: LedgerRow): number {
  let length = 0
  for (const side of ['request', 'response']) {
    for (const text of [row[`${side}_body`], row[`${side}_body_base64`]])
      if (typeof text === 'string') length += text.length
  }
  return length
}

/** Of one body. */
export const MAX_CONTENT_BYTES = 8 * 2 ** 20

import { type FormatName, formatNamed } from '../formats/index.ts'
import type { ExportRow, SinkContext } from './sink.ts'

/** A line of a format. */
export type Line = {
  /** The place of its row in the batch, and its own place among the lines of that row. */
  readonly index: number
  readonly part: number
  readonly row: ExportRow
  readonly text: string
  /** Whether the text is a JSON object. */
  readonly json: boolean
}

/** The rows of a batch as lines: one or more of each row, in order. */
export function linesOf(rows: readonly ExportRow[], name: FormatName, context: SinkContext): Line[] {
  const { lines, json } = formatNamed(name)
  return rows.flatMap((row, index) => lines(row, context).map((text, part) => ({ index, part, row, text, json })))
}

/** When the row is from, in milliseconds since 1970. */
export function timeOf({ row }: ExportRow, context: SinkContext): number {
  const at = typeof row.at === 'string' ? Date.parse(row.at) : Number.NaN
  return Number.isNaN(at) ? context.now() : at
}

/** What a row is called: also a checkpoint, which has only a number. */
export function idOf({ table, row }: ExportRow): string {
  return table === 'checkpoints' ? `checkpoint-${String(row.number)}` : String(row.id)
}

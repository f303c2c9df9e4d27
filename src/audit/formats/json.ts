import type { Format } from './format.ts'
import { jsonLine } from './text.ts'

/** The row as it is: all columns by their names, JSON columns as JSON, and `table` and `block`. */
export const json = {
  name: 'json',
  json: true,
  lines: ({ table, row, block }) => [jsonLine({ table, ...row, block })],
} as const satisfies Format

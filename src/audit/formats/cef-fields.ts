import type { LedgerRow } from '../find/presented.ts'
import type { ExportTable } from '../sinks/sink.ts'
import { distinct, int32, isObject, number, objects, port, text, toolNames, whole } from './fields.ts'
import { jsonLine } from './text.ts'

export type CefValue = string | number | undefined

/** One pair of the extension: `label` for the custom fields that need one, `max` the length that the dictionary gives the field. */
export type CefField = {
  readonly key: string
  readonly label?: string
  readonly max: number
  readonly of: (row: LedgerRow) => CefValue
}

/** What each table puts into the extension, besides what all have. What has no name in the dictionary has one of ours, `Sallyport…`. */
export const cefFields: Readonly<Record<ExportTable, readonly CefField[]>> = {
  exchanges: [
    { key: 'suser', max: 1023, of: (row) => text(row, 'principal') },
    { key: 'sproc', max: 1023, of: (row) => text(row, 'process') },
    { key: 'dpt', max: 5, of: (row) => port(row) },
    { key: 'requestMethod', max: 1023, of: (row) => text(row, 'method') },
    { key: 'request', max: 1023, of: (row) => text(row, 'path') },
    { key: 'app', max: 31, of: () => 'HTTP' },
    { key: 'act', max: 63, of: (row) => text(row, 'decision') },
    { key: 'reason', max: 1023, of: (row) => text(row, 'error') },
    { key: 'in', max: 10, of: (row) => int32(whole(row, 'request_bytes')) },
    { key: 'out', max: 10, of: (row) => int32(whole(row, 'response_bytes')) },
    custom('cs1', 'rule', 4000),
    custom('cs2', 'model', 4000),
    custom('cs3', 'provider', 4000),
    { key: 'cs4', label: 'findings', max: 4000, of: (row) => distinct(row, 'findings', 'type').join(',') || undefined },
    custom('cs5', 'operation', 4000),
    custom('cs6', 'policy', 4000),
    counted('cn1', 'status'),
    counted('cn2', 'input_tokens'),
    counted('cn3', 'output_tokens'),
    measured('cfp1', 'duration_ms'),
    measured('cfp2', 'added_ms'),
    measured('cfp3', 'first_byte_ms'),
    measured('cfp4', 'cost_usd'),
    custom('flexString1', 'finish_reason', 1023),
    custom('flexString2', 'upstream_id', 1023),
    ...own(
      'door http_version upstream_http_version stream state cached_tokens cache_write_tokens reasoning_tokens cache',
    ),
    ...own(
      'connection_id trace_id request_sha256 response_sha256 request_truncated response_truncated erased body_key',
    ),
    { key: 'SallyportFindingCount', max: 10, of: (row) => objects(row, 'findings').length || undefined },
    { key: 'SallyportHooks', max: 1023, of: hooks },
    { key: 'SallyportToolsOffered', max: 1023, of: (row) => toolNames(row, 'offered').join(',') || undefined },
    { key: 'SallyportToolsCalled', max: 1023, of: (row) => toolNames(row, 'called').join(',') || undefined },
    { key: 'SallyportAttestation', max: 1023, of: (row) => compact(row, 'attestation') },
  ],
  connections: [
    { key: 'suser', max: 1023, of: (row) => text(row, 'principal') },
    { key: 'dpt', max: 5, of: (row) => port(row) },
    { key: 'proto', max: 31, of: () => 'TCP' },
    { key: 'act', max: 63, of: (row) => text(row, 'handling') },
    { key: 'reason', max: 1023, of: (row) => text(row, 'reason') },
    { key: 'msg', max: 1023, of: (row) => text(row, 'error') },
    { key: 'in', max: 10, of: (row) => int32(whole(row, 'bytes_up')) },
    { key: 'out', max: 10, of: (row) => int32(whole(row, 'bytes_down')) },
    custom('cs1', 'sni', 4000),
    custom('cs2', 'alpn', 4000),
    { key: 'cs3', label: 'attestation', max: 4000, of: (row) => compact(row, 'attestation') },
    counted('cn1', 'bytes_up'),
    counted('cn2', 'bytes_down'),
    measured('cfp1', 'duration_ms'),
  ],
  events: [
    { key: 'suser', max: 1023, of: (row) => text(row, 'who') },
    { key: 'act', max: 63, of: (row) => text(row, 'what') },
    custom('cs1', 'subject', 4000),
    { key: 'cs2', label: 'before', max: 4000, of: (row) => compact(row, 'before') },
    { key: 'cs3', label: 'after', max: 4000, of: (row) => compact(row, 'after') },
  ],
  checkpoints: [
    { key: 'act', max: 63, of: () => 'checkpoint' },
    { key: 'reason', max: 1023, of: (row) => text(row, 'reason') },
    custom('cs1', 'statement', 4000),
    custom('cs2', 'signature', 4000),
  ],
}

function custom(key: string, column: string, max: number): CefField {
  return { key, label: column, max, of: (row) => text(row, column) }
}

function counted(key: string, column: string): CefField {
  return { key, label: column, max: 20, of: (row) => whole(row, column) }
}

function measured(key: string, column: string): CefField {
  return { key, label: column, max: 20, of: (row) => number(row, column) }
}

function own(columns: string): CefField[] {
  return columns.split(' ').map((column) => ({ key: ownName(column), max: 1023, of: (row) => text(row, column) }))
}

function ownName(column: string): string {
  return `Sallyport${column.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())}`
}

/** Each hook with what it said: `pii:tokenize,secrets:allow`. */
export function hooks(row: LedgerRow): string | undefined {
  const said = objects(row, 'hooks').map((run) => `${text(run, 'hook') ?? ''}:${text(run, 'verdict') ?? ''}`)
  return [...new Set(said)].join(',') || undefined
}

/** A JSON column in a text field. */
export function compact(row: LedgerRow, column: string): string | undefined {
  const value = row[column]
  if (value === null || value === undefined || value === '') return undefined
  return typeof value === 'string' ? value : jsonLine(isObject(value) || Array.isArray(value) ? value : { value })
}

import { isIP } from 'node:net'
import type { ExportRow, SinkContext } from '../sinks/sink.ts'
import { compact, hooks } from './cef-fields.ts'
import {
  address,
  distinct,
  idOf,
  kindOf,
  number,
  objects,
  port,
  singular,
  succeeded,
  text,
  timeOf,
  titleOf,
  toolNames,
  whole,
} from './fields.ts'
import type { Format } from './format.ts'
import { severityOf } from './severity.ts'
import { clipped, oneLine } from './text.ts'

/**
 * IBM QRadar Log Event Extended Format 2.0: a header, then attributes with tabs between. The format has no escapes: what would end a field
 * has a stand-in, and a value may have `=` in it (a reader splits at the first). Bodies are never in it.
 */
export const leef = {
  name: 'leef',
  json: false,
  lines(out, context) {
    const attributes = Object.entries({ ...common(out, context), ...attributesOf[out.table](out) })
    const pairs = attributes.flatMap(([key, value]) => {
      const shown = attributeText(value, lengths[key] ?? ATTRIBUTE_LENGTH)
      return shown === undefined ? [] : [`${key}=${shown}`]
    })
    return [`${header(out, context)}${pairs.join('\t')}`]
  },
} as const satisfies Format

type Attributes = Readonly<Record<string, string | number | undefined>>

function header({ table, row }: ExportRow, { version }: SinkContext): string {
  return `LEEF:2.0|Sallyport|Sallyport|${headerText(version)}|${headerText(kindOf(table, row))}|x09|`
}

function common(out: ExportRow, { hostname }: SinkContext): Attributes {
  const { table, row, block } = out
  const outcome = succeeded(table, row)
  return {
    cat: singular[table],
    devTime: new Date(timeOf(row)).toISOString(),
    devTimeFormat: "yyyy-MM-dd'T'HH:mm:ss.SSSX",
    sev: Math.max(1, severityOf(out)),
    id: idOf(table, row),
    name: titleOf(table, row),
    observer: hostname,
    outcome: outcome === undefined ? 'unknown' : outcome ? 'success' : 'failure',
    block,
  }
}

const attributesOf = {
  exchanges: ({ row }) => ({
    ...endpoints(row),
    srcBytes: whole(row, 'request_bytes'),
    dstBytes: whole(row, 'response_bytes'),
    url: text(row, 'path'),
    policy: text(row, 'policy'),
    process: text(row, 'process'),
    ...named(
      row,
      'door method http_version upstream_http_version provider operation model stream status decision rule',
    ),
    ...named(row, 'state error first_byte_ms duration_ms added_ms input_tokens cached_tokens cache_write_tokens'),
    ...named(row, 'output_tokens reasoning_tokens cost_usd finish_reason upstream_id cache connection_id trace_id'),
    ...named(row, 'request_sha256 response_sha256 request_truncated response_truncated erased body_key'),
    findings: distinct(row, 'findings', 'type').join(',') || undefined,
    findingCount: objects(row, 'findings').length || undefined,
    hooks: hooks(row),
    toolsOffered: toolNames(row, 'offered').join(',') || undefined,
    toolsCalled: toolNames(row, 'called').join(',') || undefined,
    attestation: compact(row, 'attestation'),
  }),
  connections: ({ row }) => ({
    ...endpoints(row),
    srcBytes: whole(row, 'bytes_up'),
    dstBytes: whole(row, 'bytes_down'),
    ...named(row, 'sni alpn handling reason duration_ms error'),
    attestation: compact(row, 'attestation'),
  }),
  events: ({ row }) => ({
    usrName: text(row, 'who'),
    ...named(row, 'what subject'),
    before: compact(row, 'before'),
    after: compact(row, 'after'),
  }),
  checkpoints: ({ row }) => named(row, 'reason statement signature'),
} as const satisfies Record<ExportRow['table'], (out: ExportRow) => Attributes>

/** `dst` takes addresses only; the host is in `dstHost` in any case. */
function endpoints(row: ExportRow['row']): Attributes {
  const host = text(row, 'host')
  return {
    src: address(row, 'client_ip'),
    dst: host !== undefined && isIP(host) !== 0 ? host : undefined,
    dstHost: host,
    dstPort: port(row),
    proto: 'TCP',
    usrName: text(row, 'principal'),
  }
}

/** Columns under their names in camel case. */
function named(row: ExportRow['row'], columns: string): Attributes {
  const key = (column: string): string => column.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  return Object.fromEntries(columns.split(' ').map((column) => [key(column), number(row, column) ?? text(row, column)]))
}

function headerText(value: string): string {
  return clipped(oneLine(value), HEADER_LENGTH).replaceAll('|', '/')
}

function attributeText(value: string | number | undefined, max: number): string | undefined {
  if (value === undefined || value === '') return undefined
  return typeof value === 'number' ? String(value) : clipped(oneLine(value), max)
}

const HEADER_LENGTH = 255
// QRadar takes 4,096 bytes of one event unless it is told otherwise. A statement that is cut off would not verify.
const ATTRIBUTE_LENGTH = 1_024
const lengths: Readonly<Record<string, number>> = { usrName: 255, statement: 3_072 }

import { isIPv4, isIPv6 } from 'node:net'
import type { ExportRow, ExportTable, SinkContext } from '../sinks/sink.ts'
import { cefFields, type CefValue } from './cef-fields.ts'
import { idOf, kindOf, singular, succeeded, timeOf, titleOf } from './fields.ts'
import type { Format } from './format.ts'
import { severityOf } from './severity.ts'
import { clipped, oneLine } from './text.ts'

/**
 * ArcSight Common Event Format, version 0 (Implementing ArcSight CEF, revision 25): a header of seven fields and an extension of pairs. Of
 * a value longer than its field in the extension dictionary the rest is cut off and an ellipsis put there. Bodies are never in it.
 */
export const cef = {
  name: 'cef',
  json: false,
  lines: (out, context) => [`${header(out, context)}|${extension(out, context)}`],
} as const satisfies Format

function header({ table, row, block }: ExportRow, { version }: SinkContext): string {
  const kind = headerText(kindOf(table, row), 1023)
  const name = headerText(titleOf(table, row), 512)
  return `CEF:0|Sallyport|Sallyport|${headerText(version, 31)}|${kind}|${name}|${severityOf({ table, row, block })}`
}

function extension(out: ExportRow, context: SinkContext): string {
  const pairs: string[] = []
  const push = (key: string, value: CefValue, max: number): void => {
    const text = extensionText(value, max)
    if (text !== undefined) pairs.push(`${key}=${text}`)
  }
  for (const [key, value, max] of common(out, context)) push(key, value, max)
  for (const { key, label, max, of } of cefFields[out.table]) {
    const value = of(out.row)
    if (value === undefined) continue
    push(key, value, max)
    if (label !== undefined) push(`${key}Label`, label, 1023)
  }
  return pairs.join(' ')
}

function common({ table, row, block }: ExportRow, { hostname }: SinkContext): [string, CefValue, number][] {
  const outcome = succeeded(table, row)
  return [
    ['rt', timeOf(row), 20],
    ['externalId', idOf(table, row), 40],
    ['cat', singular[table], 1023],
    ['dvchost', hostname, 100],
    ['outcome', outcome === undefined ? 'unknown' : outcome ? 'success' : 'failure', 63],
    ['SallyportBlock', block, 20],
    ...addresses(table, row),
  ]
}

// Version 0 has IPv4 addresses only in `src` and `dst`; others have the custom fields that are kept for this.
function addresses(table: ExportTable, row: ExportRow['row']): [string, CefValue, number][] {
  if (table !== 'exchanges' && table !== 'connections') return []
  const { client_ip: client, host } = row
  const pairs: [string, CefValue, number][] = []
  if (typeof client === 'string') {
    if (isIPv4(client)) pairs.push(['src', client, 15])
    else if (isIPv6(client)) pairs.push(['c6a2', client, 64], ['c6a2Label', 'Source IPv6 Address', 1023])
    else pairs.push(['shost', client, 1023])
  }
  if (typeof host === 'string') {
    if (isIPv4(host)) pairs.push(['dst', host, 15])
    else if (isIPv6(host)) pairs.push(['c6a3', host, 64], ['c6a3Label', 'Destination IPv6 Address', 1023])
    pairs.push(['dhost', host, 1023])
  }
  return pairs
}

/** In the header `\` and `|` are escaped, and there are no line breaks. */
function headerText(text: string, max: number): string {
  return clipped(oneLine(text), max).replace(/[\\|]/g, String.raw`\$&`)
}

/** In the extension `\`, `=` and line breaks are escaped; `|` is not. Spaces around a value would be lost, and are not part of it. */
function extensionText(value: CefValue, max: number): string | undefined {
  if (value === undefined || value === '') return undefined
  if (typeof value === 'number') return Number.isFinite(value) ? plain(value) : undefined
  const text = clipped(value, max)
  const lines = lineBreak.test(text) ? text.split(lineBreak) : [text]
  const escaped = lines.map((line) => oneLine(line).replace(/[\\=]/g, String.raw`\$&`)).join(String.raw`\n`)
  return escaped.trim() || undefined
}

/** Without an exponent, which not every receiver reads. */
function plain(value: number): string {
  const text = String(value)
  return text.includes('e') ? value.toFixed(12).replace(/\.?0+$/, '') : text
}

const lineBreak = /\r\n|\r|\n/

import { idOf, type Line, timeOf } from './lines.ts'
import { severityOf, syslogSeverityOf } from '../formats/severity.ts'
import type { SinkContext } from './sink.ts'

export type Header = {
  readonly facility: Facility
  readonly procId: number
  /** Whether the message begins with the byte order mark that RFC 5424 asks for before UTF-8. */
  readonly bom: boolean
}

/** One message of RFC 5424, 6. Without a line end: what it travels in says where it ends. */
export function syslogMessage({ row, text }: Line, { facility, procId, bom }: Header, context: SinkContext): Buffer {
  const priority = facilities.indexOf(facility) * 8 + syslogSeverityOf(severityOf(row))
  const timestamp = new Date(timeOf(row, context)).toISOString()
  const data = { id: idOf(row), table: row.table, block: String(row.block) }
  const pairs = Object.entries(data).map(
    ([name, value]) => `${name}="${value.replaceAll(/["\\\]]/g, String.raw`\$&`)}"`,
  )
  const header = `<${priority}>1 ${timestamp} ${hostname(context)} sallyport ${procId} ${row.table}`
  return Buffer.from(`${header} [${SD_ID} ${pairs.join(' ')}] ${bom ? '\uFEFF' : ''}${text}`)
}

/** Octet counting: RFC 6587, 3.4.1, which RFC 5425, 4.3 has for TLS. */
export function octetCounted(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${message.length} `), message])
}

// PRINTUSASCII, at most 255.
const hostname = (context: SinkContext): string => context.hostname.replaceAll(/[^!-~]/g, '-').slice(0, 255) || '-'

/** RFC 5424, 6.2.1: the number of a facility is its place. */
export const facilities = [
  'kern',
  'user',
  'mail',
  'daemon',
  'auth',
  'syslog',
  'lpr',
  'news',
  'uucp',
  'cron',
  'authpriv',
  'ftp',
  'ntp',
  'audit',
  'alert',
  'clock',
  'local0',
  'local1',
  'local2',
  'local3',
  'local4',
  'local5',
  'local6',
  'local7',
] as const

export type Facility = (typeof facilities)[number]

// 32473 is the enterprise number for those who have none (RFC 5612).
const SD_ID = 'sallyport@32473'

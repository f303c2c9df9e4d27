import type { Writable } from 'node:stream'
import { pino } from 'pino'
import type { Logger } from 'pino'

/** Writes one event: its fields, and a constant message. Ids and facts are fields; never a body, a key or a token. */
type LogEvent = (fields: Readonly<Record<string, unknown>>, message: string) => void

export type Log = {
  readonly trace: LogEvent
  readonly debug: LogEvent
  readonly info: LogEvent
  readonly warn: LogEvent
  readonly error: LogEvent
  readonly fatal: LogEvent
  /** A log that adds fields to each event. */
  readonly child: (fields: Readonly<Record<string, unknown>>) => Log
  /** Can be set while running; children made before keep theirs. */
  level: string
}

export type LogOptions = {
  readonly level: string
  readonly format: 'auto' | 'pretty' | 'json'
  /** Standard error, when absent: standard output belongs to what commands print. */
  readonly to?: Writable & { readonly isTTY?: boolean }
  readonly color?: boolean
}

/**
 * Opens the log. Writes are synchronous, so that the last event before a crash is there too; a reader that went away is ignored.
 * What is logged under the name of a secret (`authorization`, `token`, …) is masked, at any depth up to four.
 */
export async function openLog({ level, format, to, color }: LogOptions): Promise<Log> {
  const terminal = (to ?? process.stderr).isTTY === true
  const pretty = format === 'pretty' || (format === 'auto' && terminal)
  const destination = pretty ? await prettyStream(to, color ?? terminal) : (to ?? standardError())
  const log = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: masked },
    },
    destination,
  )
  return withMaskedChildren(log)
}

/** A log that goes nowhere. */
export function silentLog(): Log {
  return pino({ level: 'silent', enabled: false }) as Log
}

/** pino hands the fields of a child to no formatter. */
function withMaskedChildren(log: Logger): Log {
  const child = log.child.bind(log)
  return Object.assign(log, { child: (fields: Record<string, unknown>) => withMaskedChildren(child(masked(fields))) })
}

function standardError() {
  const stream = pino.destination({ fd: 2, sync: true })
  // Nobody listens any more: the program goes on without its log.
  stream.on('error', () => undefined)
  return stream
}

async function prettyStream(to: Writable | undefined, colorize: boolean) {
  const { build } = await import('pino-pretty')
  const stream = build({
    colorize,
    sync: true,
    destination: to ?? 2,
    ignore: 'pid',
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
  })
  stream.on('error', () => undefined)
  return stream
}

function masked(fields: Record<string, unknown>): Record<string, unknown> {
  return maskedAt(fields, 0) as Record<string, unknown>
}

function maskedAt(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value
  if (Array.isArray(value)) return maskedList(value, depth)
  const prototype: unknown = Object.getPrototypeOf(value)
  // Errors, dates and buffers have their own ways of being written.
  if (prototype !== Object.prototype && prototype !== null) return value
  const copy: Record<string, unknown> = {}
  for (const [key, entry] of Object.entries(value)) copy[key] = isSecret(key) ? MASK : maskedAt(entry, depth + 1)
  return copy
}

/** Headers are often a flat list of names and values. */
function maskedList(list: readonly unknown[], depth: number): unknown[] {
  return list.map((entry, index) => {
    const before = index % 2 === 1 ? list[index - 1] : undefined
    return typeof before === 'string' && isSecret(before) ? MASK : maskedAt(entry, depth + 1)
  })
}

const isSecret = (key: string): boolean => secretKeys.has(key.toLowerCase().replaceAll(/[-_]/g, ''))

// Without hyphens and underscores, in lower case.
const secretKeys: ReadonlySet<string> = new Set([
  'accesstoken',
  'apikey',
  'authorization',
  'clientsecret',
  'cookie',
  'credentials',
  'passphrase',
  'password',
  'privatekey',
  'proxyauthorization',
  'refreshtoken',
  'secret',
  'secretkey',
  'sallyportattestation',
  'setcookie',
  'token',
  'xamzsecuritytoken',
  'xapikey',
  'xgoogapikey',
  'xnexusattestation',
])

const MASK = '***'
const MAX_DEPTH = 4

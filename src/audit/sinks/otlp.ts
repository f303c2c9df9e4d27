import type { FormatName } from '../formats/index.ts'
import { levelOf, severityOf } from '../formats/severity.ts'
import { type Answer, httpClient, type HttpOptions, jsonOf, refusal } from './http.ts'
import { idOf, type Line, linesOf, timeOf } from './lines.ts'
import { type AnyValue, type Attributes, type LogRecord, type Logs, logsJson, logsProtobuf } from './otlp-logs.ts'
import { decoded } from './protobuf.ts'
import { BatchRefused, defineSink, type ExportRow, type Refused, SinkError, type SinkContext } from './sink.ts'

export type OtlpOptions = HttpOptions & {
  readonly type: 'otlp'
  readonly headers: Readonly<Record<string, string>>
  readonly encoding: 'protobuf' | 'json'
  readonly format: FormatName
}

/** Logs of OpenTelemetry over HTTP (OTLP 1.9). The line of the format is the body: a map when it is JSON. */
export const otlp = defineSink<OtlpOptions>({
  type: 'otlp',
  create: (options, context) => {
    const client = httpClient(options)
    const protobuf = options.encoding === 'protobuf'
    const headers = {
      'user-agent': `sallyport/${context.version}`,
      ...lowerCased(options.headers),
      'content-type': protobuf ? 'application/x-protobuf' : 'application/json',
    }
    const path = new URL(options.url).pathname.endsWith('/v1/logs') ? '' : '/v1/logs'
    const send = async (rows: readonly ExportRow[], signal: AbortSignal): Promise<readonly Refused[]> => {
      const lines = linesOf(rows, options.format, context)
      const logs: Logs = {
        resource: resourceOf(context),
        scope: { name: 'sallyport', version: context.version },
        records: lines.map((line) => recordOf(line, context)),
      }
      const body = protobuf ? logsProtobuf(logs) : logsJson(logs)
      const answer = await client.post({ path, headers, body }, signal)
      if (answer.status < 200 || answer.status > 299) throw failure(answer, context.now)
      return rejections(rejectedOf(answer, protobuf), rows.length, lines.length)
    }
    return { send, close: async () => client.close() }
  },
})

const resourceOf = ({ version, hostname }: SinkContext): Attributes => ({
  'service.name': 'sallyport',
  'service.version': version,
  'host.name': hostname,
})

function recordOf({ row, text, json }: Line, context: SinkContext): LogRecord {
  const level = levelOf(severityOf(row))
  const { trace_id: trace } = row.row
  return {
    time: timeOf(row, context),
    observed: context.now(),
    severity: severities[level],
    eventName: `sallyport.${row.table}`,
    body: json ? (JSON.parse(text) as AnyValue) : text,
    attributes: attributesOf(row),
    traceId: typeof trace === 'string' && /^(?!0+$)[0-9a-f]{32}$/i.test(trace) ? trace.toLowerCase() : undefined,
  }
}

/** The names of OpenTelemetry's semantic conventions, where there are some. */
function attributesOf(row: ExportRow): Attributes {
  const attributes: Record<string, AnyValue> = { 'sallyport.table': row.table, 'sallyport.id': idOf(row) }
  for (const [column, name] of Object.entries(conventions)) {
    const value = row.row[column]
    if (typeof value === 'string' || typeof value === 'number') attributes[name] = value
  }
  return attributes
}

/** Which records were rejected is not said: a batch is halved until it is known. */
function rejections(rejected: number, rows: number, records: number): Refused[] {
  if (rejected === 0) return []
  const reason = `the OTLP receiver rejected ${rejected} of ${records} records`
  if (rejected < records && rows > 1) throw new BatchRefused(reason)
  return Array.from({ length: rows }, (_, index) => ({ index, reason }))
}

/** `partial_success.rejected_log_records` of the answer. An empty one is a success without conditions. */
function rejectedOf(answer: Answer, protobuf: boolean): number {
  if (answer.body.length === 0) return 0
  const rejected = protobuf ? rejectedInProtobuf(answer.body) : rejectedInJson(jsonOf(answer))
  if (rejected === undefined || answer.cut) throw new SinkError('what answered is no OTLP receiver: is the URL right?')
  return rejected
}

function rejectedInProtobuf(body: Buffer): number | undefined {
  const answer = decoded(body)
  const partial = answer?.findLast(({ number }) => number === 1)?.value
  if (partial === undefined) return answer && 0
  if (typeof partial === 'bigint') return undefined
  const fields = decoded(partial)
  const rejected = fields?.findLast(({ number }) => number === 1)?.value ?? 0n
  return fields === undefined || typeof rejected !== 'bigint' ? undefined : Number(rejected)
}

function rejectedInJson(said: unknown): number | undefined {
  if (!isRecord(said)) return undefined
  const { partialSuccess: partial = {} } = said
  const rejected = isRecord(partial) ? Number(partial.rejectedLogRecords ?? 0) : Number.NaN
  return Number.isSafeInteger(rejected) ? rejected : undefined
}

/** OTLP 1.9: 429, 502, 503 and 504 may be tried again; other 4xx say that the request is wrong. */
function failure(answer: Answer, now: () => number): Error {
  return answer.status === 415
    ? new SinkError('the OTLP receiver answered 415: try the other `encoding`')
    : refusal(answer, 'the OTLP receiver', now)
}

const lowerCased = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

// SeverityNumber; the texts are those of syslog.
const severities = {
  info: { number: 9, text: 'INFO' },
  low: { number: 10, text: 'NOTICE' },
  medium: { number: 13, text: 'WARNING' },
  high: { number: 17, text: 'ERROR' },
  critical: { number: 18, text: 'CRITICAL' },
} as const
const conventions = {
  client_ip: 'client.address',
  principal: 'user.name',
  who: 'user.name',
  host: 'server.address',
  port: 'server.port',
  method: 'http.request.method',
  status: 'http.response.status_code',
  provider: 'gen_ai.provider.name',
  operation: 'gen_ai.operation.name',
  model: 'gen_ai.request.model',
  input_tokens: 'gen_ai.usage.input_tokens',
  output_tokens: 'gen_ai.usage.output_tokens',
  decision: 'sallyport.decision',
  handling: 'sallyport.handling',
  what: 'sallyport.event',
}

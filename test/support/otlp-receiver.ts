import protobuf from 'protobufjs'
import {
  type HttpReceiver,
  httpReceiver,
  type Received,
  type ReceiverOptions,
  type Reply,
  rule,
} from './http-receiver.ts'

export type OtlpRecord = {
  readonly timeUnixNano: string
  readonly observedTimeUnixNano: string
  readonly severityNumber: number
  readonly severityText: string
  readonly body: unknown
  readonly attributes: Readonly<Record<string, unknown>>
  readonly traceId: string | undefined
  readonly eventName: string
}

export type OtlpReceiver = HttpReceiver & {
  readonly records: readonly OtlpRecord[]
  readonly resources: readonly Readonly<Record<string, unknown>>[]
}

export type OtlpOptions = ReceiverOptions & {
  readonly headers?: Readonly<Record<string, string>>
  /** Says of a record that it is rejected. */
  readonly rejects?: (record: OtlpRecord) => boolean
}

/** A receiver of OTLP/HTTP that reads both encodings, and knows every field that may come. */
export async function otlpReceiver(options: OtlpOptions = {}): Promise<OtlpReceiver> {
  const [records, resources] = [[] as OtlpRecord[], [] as Record<string, unknown>[]]
  const take = (received: Received): Reply => {
    rule(received.path === '/v1/logs', 'an unknown path')
    for (const [name, value] of Object.entries(options.headers ?? {}))
      rule(received.headers[name] === value, `header ${name} is not right`)
    const type = received.headers['content-type']
    rule(type === 'application/x-protobuf' || type === 'application/json', `content type ${type}`)
    const binary = type === 'application/x-protobuf'
    let [rejected, taken] = [0, 0]
    for (const { resource, scopeLogs } of (binary ? fromProtobuf : fromJson)(received.body).resourceLogs) {
      resources.push(plainPairs(resource.attributes))
      for (const { scope, logRecords } of scopeLogs) {
        rule(scope.name !== '' && scope.version !== '', 'the scope has no name or version')
        for (const record of logRecords.map(recordOf)) {
          taken += 1
          if (options.rejects?.(record) === true) rejected += 1
          else records.push(record)
        }
      }
    }
    rule(taken > 0, 'no records')
    return reply(binary, rejected)
  }
  return Object.assign(await httpReceiver(take, options), { records, resources })
}

type Pair = { readonly key?: string; readonly value?: Value }
type Value = {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: string
  readonly doubleValue?: number
  readonly arrayValue?: { readonly values?: readonly Value[] }
  readonly kvlistValue?: { readonly values?: readonly Pair[] }
}
type Logs = {
  readonly resourceLogs: readonly {
    readonly resource: { readonly attributes: readonly Pair[] }
    readonly scopeLogs: readonly {
      readonly scope: { readonly name: string; readonly version: string }
      readonly logRecords: readonly Record<string, unknown>[]
    }[]
  }[]
}

function fromProtobuf(body: Buffer): Logs {
  const message = Request.decode(body)
  // What it does not know it leaves out: nothing may be lost.
  rule(Buffer.from(Request.encode(message).finish()).equals(body), 'fields that are unknown, or out of order')
  const logs = Request.toObject(message, { longs: String, bytes: Array, arrays: true }) as Logs
  for (const { scopeLogs } of logs.resourceLogs)
    for (const { logRecords } of scopeLogs)
      for (const record of logRecords)
        if (Array.isArray(record.traceId)) record.traceId = Buffer.from(record.traceId).toString('hex') || undefined
  return logs
}

/** Names and types are those of the JSON encoding: 64-bit numbers are text. */
function fromJson(body: Buffer): Logs {
  const logs = JSON.parse(body.toString('utf8')) as Logs
  const problem = Request.verify(Request.toObject(Request.fromObject(hexAsBytes(logs))))
  rule(problem === null, String(problem))
  for (const { scopeLogs } of logs.resourceLogs)
    for (const { logRecords } of scopeLogs)
      for (const record of logRecords) {
        const unknown = Object.keys(record).filter((key) => LogRecord.fields[key] === undefined)
        rule(unknown.length === 0, `unknown keys: ${unknown.join()}`)
        for (const key of ['timeUnixNano', 'observedTimeUnixNano'])
          rule(typeof record[key] === 'string', `${key} is no text`)
      }
  return logs
}

const hexAsBytes = (logs: Logs): Record<string, unknown> =>
  JSON.parse(JSON.stringify(logs), (key, value: unknown) =>
    key === 'traceId' ? Buffer.from(String(value), 'hex').toString('base64') : value,
  ) as Record<string, unknown>

function recordOf(record: Record<string, unknown>): OtlpRecord {
  const { timeUnixNano, observedTimeUnixNano, severityNumber, severityText, eventName, traceId } = record
  rule(/^[1-9]\d{18}$/.test(String(timeUnixNano)), 'the time is not in nanoseconds')
  rule(/^[1-9]\d{18}$/.test(String(observedTimeUnixNano)), 'the time of observation is not in nanoseconds')
  rule(Number(severityNumber) >= 1 && Number(severityNumber) <= 24, 'no severity')
  rule(traceId === undefined || /^[\da-f]{32}$/.test(String(traceId)), 'the trace id is not 16 bytes')
  return {
    timeUnixNano: String(timeUnixNano),
    observedTimeUnixNano: String(observedTimeUnixNano),
    severityNumber: Number(severityNumber),
    severityText: String(severityText),
    body: plain(record.body as Value),
    attributes: plainPairs(record.attributes as readonly Pair[]),
    traceId: traceId as string | undefined,
    eventName: String(eventName),
  }
}

function plain(value: Value = {}): unknown {
  const set = Object.keys(value)
  rule(set.length <= 1, 'a value of two types')
  if (value.intValue !== undefined) {
    rule(typeof value.intValue === 'string', 'intValue is no text')
    return Number(value.intValue)
  }
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plain)
  if (value.kvlistValue !== undefined) return plainPairs(value.kvlistValue.values ?? [])
  const scalar = value.stringValue ?? value.boolValue ?? value.doubleValue ?? null
  rule(set.length === 0 || scalar !== null, `an unknown type: ${set.join()}`)
  return scalar
}

function plainPairs(pairs: readonly Pair[]): Record<string, unknown> {
  rule(new Set(pairs.map(({ key }) => key)).size === pairs.length, 'a key twice')
  return Object.fromEntries(pairs.map(({ key = '', value }) => [key, plain(value)]))
}

function reply(binary: boolean, rejected: number): Reply {
  const partialSuccess =
    rejected === 0 ? {} : { partialSuccess: { rejectedLogRecords: rejected, errorMessage: 'too old' } }
  if (binary) {
    const body = Buffer.from(Response.encode(Response.fromObject(partialSuccess)).finish())
    return { status: 200, headers: { 'content-type': 'application/x-protobuf' }, body }
  }
  // int64 is text in JSON.
  const body = JSON.stringify(partialSuccess).replace(/("rejectedLogRecords":)(\d+)/, '$1"$2"')
  return { status: 200, headers: { 'content-type': 'application/json' }, body }
}

// opentelemetry-proto 1.x: collector/logs/v1, logs/v1, common/v1, resource/v1, as far as a sender of logs may use them.
const { root } = protobuf.parse(`
syntax = "proto3";
message ExportLogsServiceRequest { repeated ResourceLogs resource_logs = 1; }
message ExportLogsServiceResponse { ExportLogsPartialSuccess partial_success = 1; }
message ExportLogsPartialSuccess { int64 rejected_log_records = 1; string error_message = 2; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; string schema_url = 3; }
message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
message ScopeLogs { InstrumentationScope scope = 1; repeated LogRecord log_records = 2; string schema_url = 3; }
message InstrumentationScope {
  string name = 1; string version = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4;
}
message LogRecord {
  fixed64 time_unix_nano = 1; int32 severity_number = 2; string severity_text = 3; AnyValue body = 5;
  repeated KeyValue attributes = 6; uint32 dropped_attributes_count = 7; fixed32 flags = 8; bytes trace_id = 9;
  bytes span_id = 10; fixed64 observed_time_unix_nano = 11; string event_name = 12;
}
message AnyValue {
  oneof value {
    string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
    ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7;
  }
}
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message KeyValue { string key = 1; AnyValue value = 2; }
`)
const Request = root.lookupType('ExportLogsServiceRequest')
const Response = root.lookupType('ExportLogsServiceResponse')
const LogRecord = root.lookupType('LogRecord')

import { encoded, field, type Part } from './protobuf.ts'

/** What is said of a thing: numbers, booleans, texts, lists and maps of them. */
export type AnyValue = string | number | boolean | null | readonly AnyValue[] | { readonly [key: string]: AnyValue }
export type Attributes = Readonly<Record<string, AnyValue>>

/** A log record; times in milliseconds since 1970, `traceId` 32 hexadecimal digits. */
export type LogRecord = {
  readonly time: number
  readonly observed: number
  readonly severity: { readonly number: number; readonly text: string }
  readonly eventName: string
  readonly body: AnyValue
  readonly attributes: Attributes
  readonly traceId: string | undefined
}

export type Logs = {
  readonly resource: Attributes
  readonly scope: { readonly name: string; readonly version: string }
  readonly records: readonly LogRecord[]
}

/** ExportLogsServiceRequest in Protocol Buffers (opentelemetry-proto 1, logs/v1, common/v1, resource/v1). */
export function logsProtobuf({ resource, scope, records }: Logs): Buffer {
  const scopeFields = field.message(1, field.string(1, scope.name), field.string(2, scope.version))
  const scopeLogs = field.message(2, scopeFields, ...records.map((record) => field.message(2, ...recordFields(record))))
  return encoded(field.message(1, field.message(1, ...keyValues(1, resource)), scopeLogs))
}

/** The same in the JSON encoding of OTLP: 64-bit numbers are strings, enumerations numbers, trace ids hexadecimal. */
export function logsJson({ resource, scope, records }: Logs): string {
  const logRecords = records.map((record) => ({
    timeUnixNano: String(nanoseconds(record.time)),
    observedTimeUnixNano: String(nanoseconds(record.observed)),
    severityNumber: record.severity.number,
    severityText: record.severity.text,
    body: jsonValue(record.body),
    attributes: jsonPairs(record.attributes),
    ...(record.traceId === undefined ? {} : { traceId: record.traceId }),
    eventName: record.eventName,
  }))
  return JSON.stringify({
    resourceLogs: [{ resource: { attributes: jsonPairs(resource) }, scopeLogs: [{ scope, logRecords }] }],
  })
}

function recordFields(record: LogRecord): Part[] {
  return [
    field.fixed64(1, nanoseconds(record.time)),
    field.varint(2, record.severity.number),
    field.string(3, record.severity.text),
    field.message(5, value(record.body)),
    ...keyValues(6, record.attributes),
    ...(record.traceId === undefined ? [] : [field.bytes(9, Buffer.from(record.traceId, 'hex'))]),
    field.fixed64(11, nanoseconds(record.observed)),
    field.string(12, record.eventName),
  ]
}

function keyValues(number: number, attributes: Attributes): Part[] {
  return Object.entries(attributes).map(([key, one]) =>
    field.message(number, key === '' ? [] : field.string(1, key), field.message(2, value(one))),
  )
}

// An AnyValue without any field is null.
function value(one: AnyValue): Part {
  if (one === null) return []
  if (typeof one === 'string') return field.string(1, one)
  if (typeof one === 'boolean') return field.varint(2, one ? 1 : 0)
  if (typeof one === 'number') return Number.isSafeInteger(one) ? field.varint(3, one) : field.double(4, one)
  if (isList(one)) return field.message(5, ...one.map((inner) => field.message(1, value(inner))))
  return field.message(6, ...keyValues(1, one))
}

function jsonValue(one: AnyValue): Record<string, unknown> {
  if (one === null) return {}
  if (typeof one === 'string') return { stringValue: one }
  if (typeof one === 'boolean') return { boolValue: one }
  if (typeof one === 'number') return Number.isSafeInteger(one) ? { intValue: String(one) } : { doubleValue: one }
  if (isList(one)) return { arrayValue: { values: one.map(jsonValue) } }
  return { kvlistValue: { values: jsonPairs(one) } }
}

const jsonPairs = (attributes: Attributes) =>
  Object.entries(attributes).map(([key, one]) => ({ key, value: jsonValue(one) }))

const isList = (one: AnyValue): one is readonly AnyValue[] => Array.isArray(one)
const nanoseconds = (milliseconds: number): bigint => BigInt(Math.round(milliseconds)) * 1_000_000n

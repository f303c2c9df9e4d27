import { encoded, type FieldWriter } from './protobuf.ts'

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
  return encoded((to) =>
    to.message(1, () => {
      to.message(1, () => keyValues(to, 1, resource))
      to.message(2, () => {
        to.message(1, () => (to.string(1, scope.name), to.string(2, scope.version)))
        for (const record of records) to.message(2, () => logRecord(to, record))
      })
    }),
  )
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

function logRecord(to: FieldWriter, record: LogRecord): void {
  to.fixed64(1, nanoseconds(record.time))
  to.varint(2, record.severity.number)
  to.string(3, record.severity.text)
  to.message(5, () => value(to, record.body))
  keyValues(to, 6, record.attributes)
  if (record.traceId !== undefined) to.bytes(9, Buffer.from(record.traceId, 'hex'))
  to.fixed64(11, nanoseconds(record.observed))
  to.string(12, record.eventName)
}

function keyValues(to: FieldWriter, number: number, attributes: Attributes): void {
  for (const [key, one] of Object.entries(attributes))
    to.message(number, () => {
      if (key !== '') to.string(1, key)
      to.message(2, () => value(to, one))
    })
}

// An AnyValue without any field is null.
function value(to: FieldWriter, one: AnyValue): void {
  if (one === null) return
  if (typeof one === 'string') to.string(1, one)
  else if (typeof one === 'boolean') to.varint(2, one ? 1 : 0)
  else if (typeof one === 'number') numeric(to, one)
  else if (isList(one)) to.message(5, () => one.forEach((inner) => to.message(1, () => value(to, inner))))
  else to.message(6, () => keyValues(to, 1, one))
}

function numeric(to: FieldWriter, one: number): void {
  if (Number.isSafeInteger(one)) to.varint(3, one)
  else to.double(4, one)
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

import { z } from 'zod'
import { bytes, count, milliseconds, name, path, secret, url } from './values.ts'

const formats = ['json', 'ocsf', 'ecs', 'cef', 'leef'] as const

/** A day, or a time; in UTC with milliseconds afterwards. */
const instant = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], 'must be a date or a time in ISO 8601')
  .transform((text) => new Date(text).toISOString())

const common = {
  name,
  include: z
    .array(z.enum(['exchanges', 'connections', 'events', 'checkpoints']))
    .min(1)
    .default(['exchanges', 'connections', 'events']),
  bodies: z.boolean().default(false),
  since: instant.optional(),
  batch: z
    .strictObject({
      rows: count.default(500),
      // The keeper has little memory, and a batch is there several times while it is sent.
      bytes: bytes.max(16_777_216).default(1_048_576),
      lingerMs: z.int().min(0).max(60_000).default(200),
    })
    .prefault({}),
}

const format = z.enum(formats).default('json')
const timeoutMs = milliseconds.default(30_000)
const tls = { ca: path.optional(), clientCert: path.optional(), clientKey: path.optional() }
const web = { url: url('http', 'https'), ...tls, timeoutMs, gzip: z.boolean().default(false) }

const facilities = [
  'user',
  'daemon',
  'auth',
  'authpriv',
  'audit',
  'local0',
  'local1',
  'local2',
  'local3',
  'local4',
  'local5',
  'local6',
  'local7',
] as const

const file = z.strictObject({
  ...common,
  type: z.literal('file'),
  path,
  rotateBytes: bytes.default(104_857_600),
  keep: count.default(10),
  format,
})

const syslog = z.strictObject({
  ...common,
  type: z.literal('syslog'),
  address: url('udp', 'tcp', 'tls').refine((text) => new URL(text).port !== '', 'must name a port'),
  format,
  facility: z.enum(facilities).default('local0'),
  bom: z.boolean().default(true),
  maxBytes: bytes.optional(),
  confirm: z.enum(['close', 'flush']).default('close'),
  ...tls,
  timeoutMs,
})

const splunk = z.strictObject({
  ...common,
  ...web,
  type: z.literal('splunk'),
  token: secret,
  index: name.optional(),
  sourcetype: name.optional(),
  format,
})

const elastic = z.strictObject({
  ...common,
  ...web,
  type: z.literal('elastic'),
  index: name,
  apiKey: secret.optional(),
  format: z.enum(['ecs', 'ocsf', 'json']).default('ecs'),
})

const otlp = z.strictObject({
  ...common,
  ...web,
  type: z.literal('otlp'),
  headers: z.record(name, secret).default({}),
  encoding: z.enum(['protobuf', 'json']).default('protobuf'),
  format,
})

const webhook = z.strictObject({ ...common, ...web, type: z.literal('webhook'), secret, format })

/** The sinks that the ledger is exported to. */
export const auditExport = z
  .array(z.discriminatedUnion('type', [file, syslog, splunk, elastic, otlp, webhook]))
  .default([])
  .describe('Sinks that the ledger is exported to.')

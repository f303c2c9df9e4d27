import { z } from 'zod'
import { bytes, count, milliseconds, name, path, secret, url } from './values.ts'

const provider = z.strictObject({
  kind: z.enum(['openai', 'openai-responses', 'anthropic', 'gemini', 'vertex', 'azure', 'bedrock', 'cohere']),
  baseUrl: url('http', 'https').optional(),
  apiKey: secret.optional(),
  private: z.boolean().default(false),
})

const strategies = [
  'single',
  'fallback',
  'round-robin',
  'weighted',
  'least-latency',
  'cheapest',
  'conditional',
  'sticky',
  'split',
] as const

const model = z.strictObject({
  strategy: z.enum(strategies).default('fallback'),
  targets: z
    .array(z.strictObject({ provider: name, model: name, weight: z.number().positive().default(1) }))
    .min(1, 'needs a target'),
  timeoutMs: milliseconds.optional(),
})

/** What `gateway` has beside its address. */
export const gatewayParts = {
  providers: z.record(name, provider).default({}).describe('Providers by name.'),
  models: z.record(name, model).default({}).describe('Names that clients use, and what stands behind them.'),
  breaker: z
    .strictObject({
      failures: count.default(5).describe('Failures that open it.'),
      windowMs: milliseconds.default(60_000).describe('Time in which they count.'),
      openMs: milliseconds.default(30_000).describe('How long it stays open.'),
      probes: count.default(3).describe('Successes that close it.'),
    })
    .prefault({}),
  retry: z
    .strictObject({
      attempts: count.default(3).describe('Attempts in all.'),
      maxWaitMs: milliseconds.default(20_000).describe('Longest wait between two.'),
    })
    .prefault({}),
  cache: z
    .strictObject({
      enabled: z.boolean().default(false).describe('Whether answers are cached.'),
      ttlSeconds: count.default(3600).describe('Life of a cached answer, in seconds.'),
      maxBytes: bytes.default(268_435_456).describe('Size of the cache.'),
    })
    .prefault({}),
  prices: path.nullable().default(null).describe('File that replaces the built-in price table.'),
}

const common = {
  name,
  include: z
    .array(z.enum(['exchanges', 'connections', 'events']))
    .min(1)
    .default(['exchanges', 'connections', 'events']),
}
const jsonOrOcsf = z.enum(['json', 'ocsf']).default('json')
const web = { url: url('http', 'https'), ca: path.optional() }

const sink = z.discriminatedUnion('type', [
  z.strictObject({
    ...common,
    type: z.literal('file'),
    path,
    rotateBytes: bytes.default(104_857_600),
    keep: count.default(10),
    format: jsonOrOcsf,
  }),
  z.strictObject({
    ...common,
    type: z.literal('syslog'),
    address: url('udp', 'tcp', 'tls').refine((text) => new URL(text).port !== '', 'must name a port'),
    format: z.enum(['json', 'cef', 'leef', 'ocsf']).default('json'),
    ca: path.optional(),
  }),
  z.strictObject({
    ...common,
    ...web,
    type: z.literal('splunk'),
    token: secret,
    index: name.optional(),
    format: jsonOrOcsf,
  }),
  z.strictObject({
    ...common,
    ...web,
    type: z.literal('elastic'),
    index: name,
    apiKey: secret.optional(),
    format: z.enum(['ecs', 'ocsf']).default('ecs'),
  }),
  z.strictObject({
    ...common,
    ...web,
    type: z.literal('otlp'),
    headers: z.record(name, secret).default({}),
    format: jsonOrOcsf,
  }),
  z.strictObject({ ...common, ...web, type: z.literal('webhook'), secret: secret, format: jsonOrOcsf }),
])

/** The sinks that the ledger is exported to. */
export const auditExport = z.array(sink).default([]).describe('Sinks that the ledger is exported to.')

/** `audit.encryption`. Which of `file` and `env` a key has is checked with the other inconsistencies. */
export const bodyKeys = z
  .strictObject({
    keys: z
      .array(
        z.strictObject({
          id: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 . _ -'),
          file: path.optional(),
          env: name.optional(),
        }),
      )
      .min(1, 'needs a key'),
  })
  .nullable()
  .default(null)
  .describe(
    'Keys (32 bytes, from a file or the environment) that stored bodies are encrypted with: the first is used, the others only open.',
  )

/** The keys of `attestation`. */
export const attestation = {
  accept: z.boolean().default(false).describe('Whether attested connections are relayed untouched.'),
  audience: name.nullable().default(null).describe('Our name, which an attestation must be made for.'),
  policies: z.array(name).default(['any']).describe('Digests of the policy sets that are accepted, or any.'),
  reinspect: z.number().min(0).max(1).default(0).describe('Share of attested connections that is inspected anyway.'),
  nexus: z.boolean().default(false).describe('Whether X-Nexus-Attestation is accepted too.'),
  sign: z
    .strictObject({ key: path, device: name, audience: name })
    .nullable()
    .default(null)
    .describe('Stamps each CONNECT to the parent proxy with an attestation.'),
}

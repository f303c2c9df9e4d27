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

const digest = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9:._-]{0,127}$/, 'must be the whole digest of a policy set, or any')

/** The keys of `attestation`. */
export const attestation = {
  accept: z.boolean().default(false).describe('Whether attested connections are relayed untouched.'),
  audience: name.nullable().default(null).describe('Our name, which an attestation must be made for.'),
  policies: z.array(digest).default(['any']).describe('Digests of the policy sets that are accepted, or any.'),
  minVersion: z
    .string()
    .regex(/^\d+(?:\.\d+){0,3}$/, 'must be a version such as 1.4')
    .nullable()
    .default(null)
    .describe('The oldest program version of a device that is accepted.'),
  reinspect: z.number().min(0).max(1).default(0).describe('Share of attested connections that is inspected anyway.'),
  nexus: z.boolean().default(false).describe('Whether X-Nexus-Attestation is accepted too.'),
  sign: z
    .strictObject({ key: path, device: name, audience: name })
    .nullable()
    .default(null)
    .describe('Stamps each CONNECT to the parent proxy with an attestation.'),
}

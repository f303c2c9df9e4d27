import { z } from 'zod'
import { attestation, bodyKeys, gatewayParts } from './schema-parts.ts'
import { auditExport } from './sinks.ts'
import { addresses, authority, bytes, cidr, count, exception, milliseconds, name, path, secret, url } from './values.ts'

/** The whole of `sallyport.yaml`, with its defaults. A map that is not nullable is a section; everything else is a setting. */
export const configSchema = z.strictObject({
  data: section({
    dir: path.default('data').describe('Folder of the database, the bodies and the state.'),
  }),
  log: section({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
      .default('info')
      .describe('The least severe events that are logged.'),
    format: z
      .enum(['auto', 'pretty', 'json'])
      .default('auto')
      .describe('auto: pretty on a terminal, JSON lines otherwise.'),
  }),
  workers: z
    .union([z.literal('auto'), z.int().min(1).max(1024)])
    .default('auto')
    .describe('Processes that serve the doors; auto is one per core.'),
  proxy: section({
    listen: addresses.prefault('127.0.0.1:3128').describe('Addresses of the proxy door.'),
    transparent: addresses
      .prefault([])
      .describe('Addresses that receive connections redirected by the firewall, without CONNECT.'),
    tls: z
      .strictObject({ cert: path, key: path, clientCa: z.array(path).default([]) })
      .nullable()
      .default(null)
      .describe(
        'Certificate and key (PEM): TLS to the proxy itself is accepted too. clientCa: authorities of client certificates, for auth: mtls.',
      ),
    auth: z.enum(['none', 'basic', 'mtls']).default('none').describe('How a client says who it is.'),
    allowClients: z
      .array(cidr)
      .default(['127.0.0.0/8', '::1/128'])
      .describe('Networks whose clients are served; all others are refused.'),
    markers: z.boolean().default(false).describe('Adds sallyport-* headers to answers.'),
  }),
  gateway: section({
    listen: addresses.prefault('127.0.0.1:3050').describe('Addresses of the gateway door.'),
    ...gatewayParts,
  }),
  console: section({
    listen: addresses.prefault('127.0.0.1:3000').describe('Addresses of the console, health and metrics.'),
    token: secret
      .nullable()
      .default(null)
      .describe('Token of the console; null: made on first start and kept in data.dir.'),
  }),
  ca: section({
    dir: path.default('certs').describe('Folder of ca.pem, ca.key and bundle.pem.'),
    nameConstraints: z
      .enum(['auto', 'off'])
      .default('auto')
      .describe('auto: the CA may vouch only for the hosts that policies inspect.'),
    leafHours: z.int().min(1).max(72).default(72).describe('Life of a leaf certificate, in hours.'),
    passphrase: secret.nullable().default(null).describe('Encrypts the CA key at rest.'),
  }),
  upstream: section({
    resolve: z
      .record(authority, authority)
      .default({})
      .describe('Where to dial for a host:port; the name stays in SNI, Host and checks.'),
    ca: z.array(path).default([]).describe("PEM files of authorities to trust beside the system's and Node's."),
    proxy: url('http', 'https', 'socks5')
      .nullable()
      .default(null)
      .describe('Parent proxy, with user and password if it wants them; null: direct.'),
    noProxy: z
      .array(exception)
      .default([])
      .describe('Hosts, suffixes, addresses and networks that are dialled directly although there is a parent proxy.'),
    allowPrivate: z
      .array(cidr)
      .default([])
      .describe('Networks that may be dialled although private, loopback or link-local.'),
    clientCerts: z
      .array(z.strictObject({ hosts: z.array(name).min(1), cert: path, key: path }))
      .default([])
      .describe('Certificates for servers that want mutual TLS.'),
    connectTimeoutMs: milliseconds.default(10_000).describe('For the connection and its TLS handshake.'),
    headersTimeoutMs: milliseconds
      .default(600_000)
      .describe('Until the answer begins; reasoning models are slow to begin.'),
    idleTimeoutMs: milliseconds.default(600_000).describe('Without a byte in the middle of an answer.'),
  }),
  limits: section({
    connections: count.default(10_000).describe('Client connections at once.'),
    headerBytes: bytes.default(65_536).describe('Header section of one request, its target included.'),
    inspectBytes: bytes
      .default(33_554_432)
      .describe('Largest body that is inspected; for larger ones policy has `oversize`.'),
    bufferedBytes: bytes
      .default(536_870_912)
      .describe('All bodies held in memory together; beyond it they go to disk.'),
  }),
  policies: section({ dir: path.default('policies').describe('Folder of the policy files.') }),
  audit: section({
    store: z
      .union([z.literal('sqlite'), url('postgres', 'postgresql')])
      .default('sqlite')
      .describe('sqlite, or the URL of a PostgreSQL database.'),
    durability: z
      .enum(['crash', 'power', 'relaxed'])
      .default('crash')
      .describe('What a committed row survives: crash: kill -9, power: loss of power.'),
    bodies: section({
      capture: z.boolean().default(true).describe('Whether bodies are recorded.'),
      store: z
        .enum(['redacted', 'full', 'none'])
        .default('redacted')
        .describe('redacted: without the values that policy found.'),
      inlineBytes: z.int().min(0).default(65_536).describe('Larger bodies go to spill files.'),
      maxBytes: bytes.default(16_777_216).describe('Of larger bodies only the beginning is kept.'),
    }),
    encryption: bodyKeys,
    search: z
      .boolean()
      .default(false)
      .describe('Whether an index of all prompts and answers is kept, which makes `audit find --text` fast.'),
    retention: section({
      days: count.default(90).describe('Age at which rows are removed.'),
      maxBytes: bytes.default(10_737_418_240).describe('Size beyond which the oldest rows are removed.'),
    }),
    checkpointSeconds: z
      .int()
      .min(1)
      .max(86_400)
      .default(60)
      .describe('So often the chain of the ledger is signed, when something was written.'),
    whenUnavailable: z
      .enum(['block', 'allow'])
      .default('block')
      .describe('What happens to traffic when the ledger cannot be written.'),
    export: auditExport,
  }),
  attestation: section(attestation),
  shutdown: section({
    graceMs: z
      .int()
      .min(0)
      .max(2_147_483_647)
      .default(30_000)
      .describe('How long exchanges in flight may take to finish.'),
  }),
})

/** The configuration in force, nested as in the file. Paths are absolute, addresses are parsed. */
export type Config = z.output<typeof configSchema>

/** The JSON Schema (draft 2020-12) of the file. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      // A section's default is the sum of its keys' defaults; an empty map only hides them.
      if (jsonSchema.type === 'object' && JSON.stringify(jsonSchema.default) === '{}' && jsonSchema.properties) {
        delete jsonSchema.default
      }
    },
  })
  return { title: 'Sallyport configuration', ...schema }
}

function section<S extends z.ZodRawShape>(shape: S) {
  // The cast says what strict objects whose keys all have defaults do not show: an empty map is a valid input.
  return z.strictObject(shape).prefault({} as never)
}

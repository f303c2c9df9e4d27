import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configJsonSchema, configSchema } from '../../src/config/schema.ts'
import { settings } from '../../src/config/settings.ts'

test('an empty file gives the defaults', () => {
  const { data, log, workers, proxy, gateway, console, ca, upstream, limits, policies, audit, shutdown } =
    configSchema.parse({})
  assert.deepEqual(
    { data, log, workers, policies, shutdown },
    {
      data: { dir: 'data' },
      log: { level: 'info', format: 'auto' },
      workers: 'auto',
      policies: { dir: 'policies' },
      shutdown: { graceMs: 30_000 },
    },
  )
  assert.deepEqual(proxy, {
    listen: [{ host: '127.0.0.1', port: 3128 }],
    transparent: [],
    tls: null,
    auth: 'none',
    allowClients: ['127.0.0.0/8', '::1/128'],
    markers: false,
  })
  assert.deepEqual(gateway.listen, [{ host: '127.0.0.1', port: 3050 }])
  assert.deepEqual(console, { listen: [{ host: '127.0.0.1', port: 3000 }], token: null })
  assert.deepEqual(ca, { dir: 'certs', nameConstraints: 'auto', leafHours: 72, passphrase: null })
  assert.deepEqual(upstream, {
    resolve: {},
    ca: [],
    proxy: null,
    noProxy: [],
    allowPrivate: [],
    clientCerts: [],
    connectTimeoutMs: 10_000,
    headersTimeoutMs: 600_000,
    idleTimeoutMs: 600_000,
  })
  assert.deepEqual(limits, {
    connections: 10_000,
    headerBytes: 65_536,
    inspectBytes: 33_554_432,
    bufferedBytes: 536_870_912,
  })
  assert.deepEqual(audit, {
    store: 'sqlite',
    durability: 'crash',
    bodies: { capture: true, store: 'redacted', inlineBytes: 65_536, maxBytes: 16_777_216 },
    encryption: null,
    search: false,
    retention: { days: 90, maxBytes: 10_737_418_240 },
    checkpointSeconds: 60,
    whenUnavailable: 'block',
    export: [],
  })
})

test('a door takes one address or a list', () => {
  const one = configSchema.parse({ proxy: { listen: ':8080' } })
  const two = configSchema.parse({ proxy: { listen: [':8080', '[::1]:8081'] } })
  assert.deepEqual(one.proxy.listen, [{ host: '', port: 8080 }])
  assert.deepEqual(two.proxy.listen, [
    { host: '', port: 8080 },
    { host: '::1', port: 8081 },
  ])
})

test('a single address becomes a network of one', () => {
  const { proxy } = configSchema.parse({ proxy: { allowClients: ['192.0.2.7', '::1'] } })
  assert.deepEqual(proxy.allowClients, ['192.0.2.7/32', '::1/128'])
})

test('authorities to resolve are in lower case on both sides', () => {
  const { upstream } = configSchema.parse({ upstream: { resolve: { 'API.OpenAI.com:443': '127.0.0.1:9443' } } })
  assert.deepEqual(upstream.resolve, { 'api.openai.com:443': '127.0.0.1:9443' })
})

const bad: [string, unknown][] = [
  ['an unknown section', { proxies: {} }],
  ['an unknown key', { proxy: { lisen: ':1' } }],
  ['a port as a number', { proxy: { listen: 3128 } }],
  ['no workers', { workers: 0 }],
  ['half a worker', { workers: 1.5 }],
  ['a leaf that lives longer than 72 hours', { ca: { leafHours: 73 } }],
  ['a certificate without its key', { proxy: { tls: { cert: 'a.pem' } } }],
  ['a resolve entry without a port', { upstream: { resolve: { 'api.openai.com': '127.0.0.1:1' } } }],
  ['a parent proxy of another scheme', { upstream: { proxy: 'ftp://h:1' } }],
  ['a time-out beyond what a timer holds', { upstream: { idleTimeoutMs: 2_147_483_648 } }],
  ['a time-out of nothing', { upstream: { connectTimeoutMs: 0 } }],
  ['another database', { audit: { store: 'mysql://h/d' } }],
  ['encryption without a key', { audit: { encryption: { keys: [] } } }],
  ['a key whose id no row could have', { audit: { encryption: { keys: [{ id: 'a b', env: 'K' }] } } }],
  ['an empty token', { console: { token: '' } }],
  ['text for a truth value', { proxy: { markers: 'yes' } }],
]

for (const [name, value] of bad) {
  test(`${name} is refused`, () => {
    assert.equal(configSchema.safeParse(value).success, false)
  })
}

test('the JSON Schema describes every setting, marks secrets and allows no unknown key', () => {
  type Node = { properties?: Record<string, Node>; description?: string; additionalProperties?: boolean }
  const schema = configJsonSchema() as Node
  for (const { key, path } of settings()) {
    let node: Node | undefined = schema
    for (const step of path) {
      assert.equal(node?.additionalProperties, false, key)
      node = node?.properties?.[step]
    }
    assert.ok((node?.description ?? '') !== '', `${key} has no description`)
  }
  assert.match(JSON.stringify(schema), /"writeOnly":true/)
})

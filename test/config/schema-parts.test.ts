import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configSchema } from '../../src/config/schema.ts'

const sinks = [
  {
    name: 'soc',
    type: 'syslog',
    address: 'tls://siem.example:6514',
    format: 'cef',
    ca: 'siem.pem',
    include: ['exchanges'],
  },
  { name: 'hec', type: 'splunk', url: 'https://splunk.example:8088', token: 'made-up', index: 'ai' },
  { name: 'hook', type: 'webhook', url: 'https://x.example/in', secret: 'made-up' },
  { name: 'es', type: 'elastic', url: 'https://es.example:9200', index: 'sallyport', apiKey: 'made-up' },
  { name: 'otel', type: 'otlp', url: 'https://otel.example:4318', headers: {} },
  { name: 'disk', type: 'file', path: 'export.jsonl', rotateBytes: 104_857_600, keep: 10 },
]

for (const sink of sinks) {
  test(`a ${sink.type} sink is accepted, and refused with a key of another`, () => {
    assert.equal(configSchema.safeParse({ audit: { export: [sink] } }).success, true)
    assert.equal(configSchema.safeParse({ audit: { export: [{ ...sink, bucket: 'x' }] } }).success, false)
  })
}

test('any sink may speak OCSF', () => {
  for (const sink of sinks) {
    assert.equal(configSchema.safeParse({ audit: { export: [{ ...sink, format: 'ocsf' }] } }).success, true, sink.type)
  }
})

test('a sink without a type, and a syslog address without a port, are refused', () => {
  assert.equal(configSchema.safeParse({ audit: { export: [{ name: 'x' }] } }).success, false)
  const portless = { name: 'x', type: 'syslog', address: 'udp://siem.example' }
  assert.equal(configSchema.safeParse({ audit: { export: [portless] } }).success, false)
})

test('providers, models and the gateway’s numbers have their defaults', () => {
  const { gateway } = configSchema.parse({
    gateway: {
      providers: { local: { kind: 'openai', baseUrl: 'http://127.0.0.1:11434/v1', private: true } },
      models: { smart: { targets: [{ provider: 'local', model: 'm' }] } },
    },
  })
  assert.deepEqual(gateway.models, {
    smart: { strategy: 'fallback', targets: [{ provider: 'local', model: 'm', weight: 1 }] },
  })
  assert.deepEqual(gateway.breaker, { failures: 5, windowMs: 60_000, openMs: 30_000, probes: 3 })
  assert.deepEqual(gateway.retry, { attempts: 3, maxWaitMs: 20_000 })
  assert.deepEqual(gateway.cache, { enabled: false, ttlSeconds: 3600, maxBytes: 268_435_456 })
})

test('digests that attestation accepts are whole: a sign that none has is refused', () => {
  for (const [digest, fits] of [
    ['any', true],
    ['4f'.repeat(32), true],
    ['362e4f4d…', false],
    ['', false],
    ['a b', false],
  ] as const)
    assert.equal(configSchema.safeParse({ attestation: { policies: [digest] } }).success, fits, digest)
})

test('attestation accepts nothing until told to', () => {
  assert.deepEqual(configSchema.parse({}).attestation, {
    accept: false,
    audience: null,
    policies: ['any'],
    minVersion: null,
    reinspect: 0,
    nexus: false,
    sign: null,
  })
})

test('the oldest version is numbers with dots between', () => {
  for (const [minVersion, fits] of [
    ['1', true],
    ['1.4', true],
    ['0.10.2', true],
    ['v1', false],
    ['1.x', false],
    ['', false],
  ] as const) {
    assert.equal(configSchema.safeParse({ attestation: { minVersion } }).success, fits, minVersion)
  }
})

test('a share to reinspect is between none and all', () => {
  assert.equal(configSchema.safeParse({ attestation: { reinspect: 1.1 } }).success, false)
  assert.equal(configSchema.safeParse({ attestation: { reinspect: 0.02 } }).success, true)
})

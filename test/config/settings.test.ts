import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configSchema } from '../../src/config/schema.ts'
import { kindsOf, mapValues, schemaAt, sections, settings } from '../../src/config/settings.ts'

test('every setting is found once, and no section is a setting', () => {
  const keys = settings().map(({ key }) => key)
  assert.equal(new Set(keys).size, keys.length)
  for (const key of ['workers', 'proxy.listen', 'proxy.tls', 'audit.bodies.store', 'gateway.cache.ttlSeconds']) {
    assert.ok(keys.includes(key), key)
  }
  for (const path of sections()) assert.ok(!keys.includes(path.join('.')), path.join('.'))
})

test('settings say how they may be written', () => {
  const written = Object.fromEntries(settings().map(({ key, schema }) => [key, [...kindsOf(schema)].sort()]))
  assert.deepEqual(written['proxy.markers'], ['boolean'])
  assert.deepEqual(written['proxy.listen'], ['list', 'string'])
  assert.deepEqual(written['proxy.tls'], ['map', 'null'])
  assert.deepEqual(written.workers, ['number'])
  assert.deepEqual(written['console.token'], ['null', 'string'])
  assert.deepEqual(written['audit.export'], ['list of maps'])
  assert.deepEqual(written['upstream.resolve'], ['map'])
})

test('paths and secrets are known as such wherever they stand', () => {
  const config = configSchema.parse({
    proxy: { tls: { cert: 'c', key: 'k' } },
    upstream: { ca: ['one', 'two'] },
    console: { token: 'made-up' },
    gateway: { providers: { a: { kind: 'openai', apiKey: 'made-up' } } },
    audit: { export: [{ name: 's', type: 'splunk', url: 'https://s.example', token: 'made-up', ca: 'siem.pem' }] },
  })
  const paths: string[] = []
  const secrets: string[] = []
  const same = mapValues(
    configSchema,
    config,
    (value, note, path) => {
      if (note.path && value !== null) paths.push(path.join('.'))
      if (note.secret && value !== null) secrets.push(path.join('.'))
      return value
    },
    [],
  )
  assert.deepEqual(same, config)
  const expected = [
    'audit.export.0.ca',
    'ca.dir',
    'data.dir',
    'policies.dir',
    'proxy.tls.cert',
    'proxy.tls.key',
    'upstream.ca.0',
    'upstream.ca.1',
  ]
  assert.deepEqual(paths.sort(), expected)
  assert.deepEqual(secrets.sort(), ['audit.export.0.token', 'console.token', 'gateway.providers.a.apiKey'])
})

test('the schema of a value deep inside is found, and none for what is unknown', () => {
  const raw = { audit: { export: [{ type: 'file', keep: '3' }] }, what: 1 }
  const schema = schemaAt(['audit', 'export', 0, 'keep'], raw)
  assert.ok(schema !== undefined && kindsOf(schema).has('number'))
  assert.equal(schemaAt(['what'], raw), undefined)
  assert.equal(schemaAt(['constructor'], raw), undefined)
})

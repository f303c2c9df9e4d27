import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inconsistencies } from '../../src/config/consistency.ts'
import { configSchema } from '../../src/config/schema.ts'
import { pathText } from '../../src/lib/schema-problems.ts'

const sink = { name: 'one', type: 'file', path: 'x' }
const hook = { name: 'one', type: 'webhook', url: 'https://x.example', secret: 'made-up' }
const model = { targets: [{ provider: 'opnai', model: 'm' }] }

const cases: [string, unknown, string[]][] = [
  ['the defaults', {}, []],
  ['two doors at one address', { console: { listen: '127.0.0.1:3128' } }, ['console.listen']],
  ['one address twice in a list', { proxy: { listen: [':1', ':1'] } }, ['proxy.listen']],
  ['two doors at a port that the system chooses', { proxy: { listen: ':0' }, console: { listen: ':0' } }, []],
  ['mutual TLS without TLS', { proxy: { auth: 'mtls' } }, ['proxy.auth']],
  ['mutual TLS without authorities', { proxy: { auth: 'mtls', tls: { cert: 'c', key: 'k' } } }, ['proxy.auth']],
  ['mutual TLS with all it needs', { proxy: { auth: 'mtls', tls: { cert: 'c', key: 'k', clientCa: ['a'] } } }, []],
  [
    'a readable index of sealed bodies',
    { audit: { search: true, encryption: { keys: [{ id: 'a', env: 'A' }] } } },
    ['audit.search'],
  ],
  ['an inline size over the maximum', { audit: { bodies: { maxBytes: 100 } } }, ['audit.bodies.inlineBytes']],
  [
    'keys of bodies',
    {
      audit: {
        encryption: {
          keys: [
            { id: 'b', env: 'B' },
            { id: 'a', file: 'a' },
          ],
        },
      },
    },
    [],
  ],
  [
    'two keys of one id, one of them nowhere, the other in two places',
    { audit: { encryption: { keys: [{ id: 'a' }, { id: 'a', env: 'A', file: 'a' }] } } },
    ['audit.encryption.keys[0]', 'audit.encryption.keys[1].id', 'audit.encryption.keys[1]'],
  ],
  ['two sinks of one name', { audit: { export: [sink, sink] } }, ['audit.export[1].name']],
  [
    'a client certificate of a sink without its key, and a key without its certificate',
    {
      audit: {
        export: [
          { ...hook, clientCert: 'c' },
          { ...hook, name: 'two', clientKey: 'k' },
        ],
      },
    },
    ['audit.export[0].clientCert', 'audit.export[1].clientKey'],
  ],
  [
    'a client certificate of a sink with its key',
    { audit: { export: [{ ...hook, clientCert: 'c', clientKey: 'k' }] } },
    [],
  ],
  [
    'a target without its provider',
    { gateway: { providers: { openai: { kind: 'openai' } }, models: { smart: model } } },
    ['gateway.models.smart.targets[0].provider'],
  ],
  ['attestation without an audience', { attestation: { accept: true } }, ['attestation.accept']],
  ['attestation with its audience', { attestation: { accept: true, audience: 'egress-1' } }, []],
  [
    'signing without a parent',
    { attestation: { sign: { key: 'k', device: 'd', audience: 'a' } } },
    ['attestation.sign'],
  ],
  [
    'signing for a parent of HTTP',
    { attestation: { sign: { key: 'k', device: 'd', audience: 'a' } }, upstream: { proxy: 'https://proxy.test' } },
    [],
  ],
  [
    'signing for a parent of SOCKS5, which has no place for a token',
    { attestation: { sign: { key: 'k', device: 'd', audience: 'a' } }, upstream: { proxy: 'socks5://proxy.test' } },
    ['attestation.sign'],
  ],
]

for (const [name, value, paths] of cases) {
  test(`${name}: ${paths.length === 0 ? 'accepted' : 'refused'}`, () => {
    const found = inconsistencies(configSchema.parse(value))
    assert.deepEqual(
      found.map(({ path }) => pathText(path)),
      paths,
    )
  })
}

test('a target names the provider that was probably meant', () => {
  const config = configSchema.parse({
    gateway: { providers: { openai: { kind: 'openai' } }, models: { smart: model } },
  })
  assert.equal(inconsistencies(config)[0]?.hint, 'did you mean openai?')
})

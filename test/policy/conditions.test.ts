import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExchangeFacts } from '../../src/inspect/hook.ts'
import { entryConditions, failingKey, plainHost, ruleConditions, withCatalogue } from '../../src/policy/conditions.ts'
import type { PolicyWhen } from '../../src/policy/schema.ts'
import { connection, facts } from './fixture.ts'

const catalogue = ['api.openai.com', '*.azure.example']
const cases: readonly [when: PolicyWhen, about: Partial<ExchangeFacts>, failed: string | undefined][] = [
  [{}, {}, undefined],
  [{ provider: [], model: [], host: [], path: [], principal: [], client: [], door: [] }, {}, undefined],
  [{ provider: ['openai', 'anthropic'] }, {}, undefined],
  [{ provider: ['OpenAI'] }, {}, undefined],
  [{ provider: ['anthropic'] }, {}, 'provider'],
  [{ model: ['gpt-*'] }, { model: 'GPT-5.1' }, undefined],
  [{ model: ['gpt-*'] }, { model: 'o3' }, 'model'],
  [{ model: ['gpt-*'] }, { model: null }, undefined],
  [{ host: ['catalogue'] }, { host: 'eu.azure.example' }, undefined],
  [{ host: ['catalogue'] }, { host: 'azure.example' }, 'host'],
  [{ host: ['API.OpenAI.com.'] }, {}, undefined],
  [{ host: ['10.0.0.0/8'] }, { host: '10.1.2.3' }, undefined],
  [{ host: ['10.0.0.0/8'] }, { host: '11.1.2.3' }, 'host'],
  [{ path: ['/v1/chat/*'] }, {}, undefined],
  [{ path: ['/V1/chat/*'] }, {}, 'path'],
  [{ principal: ['team-*'] }, { principal: 'team-blue' }, undefined],
  [{ principal: ['*'] }, { principal: null }, 'principal'],
  [{ client: ['127.0.0.0/8', '::1'] }, { clientIp: '::1' }, undefined],
  [{ client: ['127.0.0.0/8'] }, { clientIp: '::ffff:127.0.0.1' }, undefined],
  [{ client: ['127.0.0.0/8'] }, { clientIp: '10.0.0.1' }, 'client'],
  [{ client: ['127.0.0.0/8'] }, { clientIp: null }, undefined],
  [{ door: ['gateway'] }, {}, 'door'],
  [{ provider: ['openai'], model: ['claude-*'], host: ['nowhere.example'] }, {}, 'host'],
]

for (const [when, about, failed] of cases) {
  test(`${JSON.stringify(when)} with ${JSON.stringify(about)}: ${failed ?? 'all'} ${failed ? 'fails' : 'hold'}`, () => {
    assert.equal(failingKey(ruleConditions(when, catalogue), { ...facts, ...about }), failed)
  })
}

test('an entry may be for some clients and principals only', () => {
  const entry = { hosts: ['*'], action: 'tunnel' as const, principal: ['ops'], client: ['10.0.0.0/8'] }
  const conditions = entryConditions(entry, withCatalogue(entry.hosts, []))
  const failed = (about: object): string | undefined => failingKey(conditions, { ...connection, ...about })
  assert.equal(failed({ principal: 'ops', clientIp: '10.0.0.9' }), undefined)
  assert.equal(failed({ principal: 'ops' }), 'client')
  assert.equal(failed({ clientIp: '10.0.0.9' }), 'principal')
})

test('what is not a host, a glob or a network is refused by name', () => {
  const hosts = ['https://api.openai.com', 'api.openai.com:443', '10.0.0.0/99', 'a/b', 'two words', 'a,b', '']
  for (const host of hosts) assert.throws(() => withCatalogue([host], []), RangeError, host)
})

test('hosts are compared in lower case, in ASCII, without brackets and trailing dot', () => {
  assert.deepEqual(withCatalogue(['API.Example.COM.', '[::1]', 'münchen.example', '*.münchen.example'], []), [
    'api.example.com',
    '::1',
    'xn--mnchen-3ya.example',
    '*.xn--mnchen-3ya.example',
  ])
  assert.equal(plainHost('[::1]'), '::1')
  assert.equal(plainHost('A.b.'), 'a.b')
})

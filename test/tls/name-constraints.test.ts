import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import { decodeDer, encodeDer } from '../../src/lib/der.ts'
import { isPermitted, nameConstraints, outside, permittedFor, readPermitted } from '../../src/tls/name-constraints.ts'

const globs: [hosts: string[], permitted: string[] | 'any'][] = [
  [['api.openai.com'], ['api.openai.com']],
  [['API.OpenAI.com.'], ['api.openai.com']],
  [['*.openai.azure.com'], ['openai.azure.com']],
  [['bedrock-runtime.*.amazonaws.com'], ['amazonaws.com']],
  [['*-aiplatform.googleapis.com'], ['googleapis.com']],
  [['api-?.x.example'], ['x.example']],
  [
    ['a.x.example', 'x.example', '*.x.example', 'ax.example'],
    ['ax.example', 'x.example'],
  ],
  [['localhost'], ['localhost']],
  [
    ['10.1.2.3', '::1', '[fe80::1]'],
    ['10.1.2.3/32', '::1/128', 'fe80::1/128'],
  ],
  [['192.168.*', '192.168.7.7'], ['192.168.0.0/16']],
  [['a.example', '*'], 'any'],
  [['api.*'], 'any'],
  [['1*'], 'any'],
  [['10.*'], 'any'],
  [['300.1.*'], 'any'],
  [[], []],
]

for (const [hosts, permitted] of globs) {
  test(`hosts ${hosts.join(' ')} need ${permitted === 'any' ? 'any' : permitted.join(' ')}`, () => {
    assert.deepEqual(permittedFor(hosts), permitted)
    assert.deepEqual(outside(hosts, permitted), [])
  })
}

const hosts: [host: string, permitted: string[] | 'any', inside: boolean][] = [
  ['api.openai.com', ['openai.com'], true],
  ['openai.com', ['openai.com'], true],
  ['notopenai.com', ['openai.com'], false],
  ['openai.com.evil.example', ['openai.com'], false],
  ['10.1.2.3', ['openai.com'], false],
  ['10.1.2.3', ['10.1.2.0/24'], true],
  ['10.1.3.3', ['10.1.2.0/24'], false],
  ['::1', ['::1/128'], true],
  ['::2', ['::1/128', '0.0.0.0/0'], false],
  ['openai.com', ['10.0.0.0/8'], false],
  ['anything.example', 'any', true],
  ['10.1.2.3', 'any', true],
  ['anything.example', [], false],
]

for (const [host, permitted, inside] of hosts) {
  test(`${host} is ${inside ? 'inside' : 'outside'} of ${permitted === 'any' ? 'any' : permitted.join(' ')}`, () => {
    assert.equal(isPermitted(host, permitted), inside)
  })
}

test('globs that can match beyond what is permitted are named', () => {
  const permitted = permittedFor(['*.openai.com', '10.0.0.1'])
  assert.deepEqual(outside(['api.openai.com', 'api.new.example', '*', '10.0.0.1', '10.0.0.2'], permitted), [
    'api.new.example',
    '*',
    '10.0.0.2',
  ])
})

test('what is written into a certificate is read back', () => {
  for (const permitted of [['a.example', 'b.example'], ['a.example', '10.0.0.0/8', '::1/128'], ['10.0.0.0/9'], []]) {
    const value = nameConstraints(permitted)
    assert.ok(value)
    const read = readPermitted(decodeDer(encodeDer(value)))
    assert.deepEqual(read, permitted)
  }
  assert.equal(nameConstraints('any'), undefined)
  assert.equal(readPermitted(undefined), 'any')
})

test('a constraint with only addresses, as others make it, leaves names free', () => {
  // SEQUENCE { [0] { SEQUENCE { [7] 10.0.0.0 255.0.0.0 } } }
  const permitted = readPermitted(decodeDer(Buffer.from('300ea00c300a87080a000000ff000000', 'hex')))
  assert.equal(isPermitted('any.example', permitted), true)
  assert.equal(isPermitted('10.9.9.9', permitted), true)
  assert.equal(isPermitted('11.0.0.1', permitted), false)
})

test('every name that a glob matches is inside of what the glob needs', () => {
  const label = fc.stringMatching(/^[a-z0-9]{1,5}$/)
  const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => [...labels, 'test'].join('.'))
  fc.assert(
    fc.property(name, fc.nat(30), fc.nat(6), (host, at, length) => {
      const glob = `${host.slice(0, at)}*${host.slice(at + length)}`
      fc.pre(!/^[\d.]+\*$/.test(glob))
      assert.equal(isPermitted(host, permittedFor([glob])), true, glob)
    }),
  )
})

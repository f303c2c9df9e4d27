import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { authenticator, basicCredentials } from '../../src/proxy/authenticate.ts'

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`

const values: [value: string | undefined, credentials: ReturnType<typeof basicCredentials>][] = [
  [basic('ci:sp-1'), { name: 'ci', token: 'sp-1' }],
  [basic('ci:a:b'), { name: 'ci', token: 'a:b' }],
  [basic(':'), { name: '', token: '' }],
  [basic('Zo\u00EB:x'), { name: 'Zo\u00EB', token: 'x' }],
  [`bAsIc  ${Buffer.from('a:b').toString('base64')} `, { name: 'a', token: 'b' }],
  [basic('no colon'), undefined],
  ['Basic', undefined],
  ['Basic !!!', undefined],
  ['Bearer sp-1', undefined],
  [`${basic('a:b')}, ${basic('c:d')}`, undefined],
  ['', undefined],
  [undefined, undefined],
]

for (const [value, credentials] of values) {
  test(`${JSON.stringify(value)} are ${credentials === undefined ? 'no' : JSON.stringify(credentials)} credentials`, () => {
    assert.deepEqual(basicCredentials(value), credentials)
  })
}

test('name and token come out as they went in, and any text is an answer', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (name, token) => {
      fc.pre(!name.includes(':'))
      assert.deepEqual(basicCredentials(basic(`${name}:${token}`)), { name, token })
    }),
  )
  fc.assert(fc.property(fc.string(), (text) => void basicCredentials(text)))
})

function gate(scheme: 'none' | 'basic' | 'mtls' = 'basic') {
  const clock = { now: 0, scheme }
  const ask = authenticator({
    scheme: () => clock.scheme,
    principalOf: ({ name, token }, clientIp) => (token === 'right' && clientIp !== '10.6.6.6' ? name : undefined),
    now: () => clock.now,
  })
  const kind = (text: string | undefined, clientIp = '10.0.0.1'): string =>
    ask(text === undefined ? [] : ['Proxy-Authorization', basic(text)], clientIp).kind
  return { ask, kind, clock }
}

test('without a scheme everybody is let in as nobody', () => {
  assert.deepEqual(gate('none').ask(['proxy-authorization', basic('a:right')], '10.0.0.1'), {
    kind: 'known',
    principal: null,
  })
})

test('with client certificates a name and token say nothing: the certificate does', () => {
  const { ask } = gate('mtls')
  const right = ['proxy-authorization', basic('a:right')]
  const none = ask(right, '10.0.0.1')
  assert.deepEqual(none, { kind: 'uncertified', because: 'this proxy wants a client certificate' })
  assert.deepEqual(ask(right, '10.0.0.1', { kind: 'none' }), none)
  assert.deepEqual(ask(right, '10.0.0.1', { kind: 'valid', principal: 'ci' }), { kind: 'known', principal: 'ci' })
  assert.equal(ask([], '10.0.0.1', { kind: 'invalid', because: 'CERT_HAS_EXPIRED' }).kind, 'uncertified')
})

test('a certificate counts for nothing with another scheme', () => {
  const certificate = { kind: 'valid', principal: 'ci' } as const
  assert.equal(gate('basic').ask([], '10.0.0.1', certificate).kind, 'challenge')
  assert.deepEqual(gate('none').ask([], '10.0.0.1', certificate), { kind: 'known', principal: null })
})

test('after ten wrong certificates in a minute an address has to wait; to show none is no failure', () => {
  const { ask } = gate('mtls')
  for (let i = 0; i < 50; i += 1) assert.equal(ask([], '10.0.0.1', { kind: 'none' }).kind, 'uncertified')
  for (let i = 0; i < 10; i += 1)
    assert.equal(ask([], '10.0.0.1', { kind: 'invalid', because: 'x' }).kind, 'uncertified')
  assert.equal(ask([], '10.0.0.1', { kind: 'valid', principal: 'ci' }).kind, 'limited')
  assert.equal(ask([], '10.0.0.2', { kind: 'valid', principal: 'ci' }).kind, 'known')
})

test('the principal is asked for with the address of the client', () => {
  const { ask, kind } = gate()
  assert.deepEqual(ask(['proxy-authorization', basic('ci:right')], '10.0.0.1'), { kind: 'known', principal: 'ci' })
  assert.equal(kind('ci:right', '10.6.6.6'), 'challenge')
  assert.equal(kind('ci:wrong'), 'challenge')
  assert.equal(kind(undefined), 'challenge')
})

test('after ten wrong tokens in a minute an address has to wait, and others do not', () => {
  const { kind, clock } = gate()
  for (let i = 0; i < 10; i += 1) assert.equal(kind('ci:wrong'), 'challenge')
  assert.equal(kind('ci:right'), 'limited')
  assert.equal(kind(undefined), 'limited')
  assert.equal(kind('ci:right', '10.0.0.2'), 'known')
  clock.now += 59_999
  assert.equal(kind('ci:right'), 'limited')
  clock.now += 1
  assert.equal(kind('ci:right'), 'known')
})

test('to come without credentials is no failure', () => {
  const { kind } = gate()
  for (let i = 0; i < 50; i += 1) assert.equal(kind(undefined), 'challenge')
  assert.equal(kind('ci:right'), 'known')
})

test('a scheme that is set later counts from then on', () => {
  const { kind, clock } = gate('none')
  assert.equal(kind(undefined), 'known')
  clock.scheme = 'basic'
  assert.equal(kind(undefined), 'challenge')
})

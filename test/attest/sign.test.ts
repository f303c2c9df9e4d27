import assert from 'node:assert/strict'
import { test } from 'node:test'
import nacl from 'tweetnacl'
import { attestor, newJti, signToken } from '../../src/attest/sign.ts'
import { parseToken } from '../../src/attest/token.ts'
import { SallyportError } from '../../src/core/errors.ts'
import { claimsOf, deviceKey, signedAt } from '../support/attestation.ts'

const { key, publicKey } = deviceKey()

function stamped(policy = () => 'a'.repeat(64), now = () => signedAt) {
  return attestor({ key, device: 'laptop-7', audience: 'egress-1', version: '0.1.0', now, policy })
}

test('a signed token is read back, and tweetnacl finds that it is signed', () => {
  const claims = claimsOf()
  const token = parseToken(signToken({ claims, key }))
  assert.deepEqual(token?.claims, claims)
  assert.ok(nacl.sign.detached.verify(token.signed, token.signature, publicKey))
  assert.equal(
    Buffer.from(token.signed.toString().split('.')[0] as string, 'base64url').toString(),
    '{"alg":"EdDSA","kid":"laptop-7"}',
  )
})

test('claims that no verifier takes are not signed, and the error does not repeat them', () => {
  for (const wrong of [
    { iss: 'a b' },
    { exp: claimsOf().iat + 121 },
    { jti: 'secret' },
    { policy: '' },
    { ver: '' },
    { aud: '' },
  ]) {
    assert.throws(
      () => signToken({ claims: claimsOf(wrong), key }),
      (error) =>
        error instanceof SallyportError && error.code === 'config_invalid' && !error.message.includes('secret'),
    )
  }
})

test('the longest name that a host can have is signed for', () => {
  const host = `${`${'a'.repeat(63)}.`.repeat(3)}${'b'.repeat(61)}`
  const authority = `${host}:65535`
  assert.equal(host.length, 253)
  assert.equal(parseToken(signToken({ claims: claimsOf({ authority }), key }))?.claims.authority, authority)
})

test('each connection gets a token of its own, for its target, with the policy in force at that moment', () => {
  let policy = 'a'.repeat(64)
  let now = signedAt + 999
  const attest = stamped(
    () => policy,
    () => now,
  )
  const first = attest('api.openai.com:443')
  policy = 'b'.repeat(64)
  now += 1
  const second = attest('[2001:db8::1]:8443')
  const { jti, ...claims } = parseToken(first.header)?.claims ?? claimsOf()
  const iat = signedAt / 1_000
  assert.deepEqual(claims, {
    iss: 'laptop-7',
    aud: 'egress-1',
    iat,
    exp: iat + 60,
    authority: 'api.openai.com:443',
    policy: first.policy,
    ver: '0.1.0',
  })
  assert.equal(first.policy, 'a'.repeat(64))
  assert.equal(first.jti, jti)
  const { claims: others } = parseToken(second.header) ?? { claims: claimsOf() }
  assert.deepEqual([others.authority, others.iat, others.policy], ['[2001:db8::1]:8443', iat + 1, second.policy])
  assert.equal(second.policy, 'b'.repeat(64))
  assert.notEqual(first.jti, second.jti)
})

test('a header value holds nothing that could end it', () => {
  assert.match(stamped()('api.openai.com:443').header, /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$/)
})

test('a jti is 16 bytes and never the same', () => {
  const some = Array.from({ length: 100 }, newJti)
  assert.equal(new Set(some).size, 100)
  for (const jti of some) assert.equal(Buffer.from(jti, 'base64url').length, 16)
})

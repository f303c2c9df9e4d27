import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attestationIn, presentedNexus, presentedToken } from '../../src/attest/presented.ts'
import { nexusHash } from '../../src/attest/nexus.ts'
import { claimsOf, deviceKey, digest, jwsOf, nexusOf, signedAt, tokenOf } from '../support/attestation.ts'

const { key } = deviceKey()
const both = ['jws', 'nexus'] as const

test('the one field of a form that counts is found, whatever its case', () => {
  const headers = ['Host', 'a', 'SALLYPORT-Attestation', 'x', 'B', 'c']
  assert.deepEqual(attestationIn(headers, both), { form: 'jws', value: 'x' })
  assert.deepEqual(attestationIn(['x-nexus-attestation', ''], both), { form: 'nexus', value: '' })
  assert.equal(attestationIn(headers, ['nexus']), undefined)
  assert.equal(attestationIn(['X-Sallyport-Attestation', 'x'], both), undefined)
  assert.equal(attestationIn([], both), undefined)
})

test('of two fields none counts; one of a form that does not count is not there', () => {
  const jws = ['Sallyport-Attestation', 'x']
  const nexus = ['X-Nexus-Attestation', 'y']
  assert.deepEqual(attestationIn([...jws, ...jws], both), { form: 'jws', value: undefined })
  assert.deepEqual(attestationIn([...nexus, ...nexus], both), { form: 'nexus', value: undefined })
  assert.deepEqual(attestationIn([...jws, ...nexus], both), { form: null, value: undefined })
  assert.deepEqual(attestationIn([...jws, ...nexus], ['jws']), { form: 'jws', value: 'x' })
})

test('a token is taken from half a minute before it was issued, or its nbf, to half a minute after its end', () => {
  const times = (text: string): unknown => {
    const { from, until } = presentedToken(text, 'egress-1', 'api.openai.com:443') ?? {}
    return [from, until]
  }
  assert.deepEqual(times(tokenOf(key)), [signedAt - 30_000, signedAt + 90_000])
  const later = JSON.stringify({ ...claimsOf(), nbf: signedAt / 1_000 + 10 })
  assert.deepEqual(times(jwsOf(key, '{"alg":"EdDSA","kid":"laptop-7"}', later)), [signedAt - 20_000, signedAt + 90_000])
})

test('a token says for whom and where it is', () => {
  const misdirected = (audience: string, authority: string): unknown =>
    presentedToken(tokenOf(key), audience, authority)?.misdirected
  assert.equal(misdirected('egress-1', 'API.openai.com.:443'), undefined)
  assert.equal(misdirected('egress-2', 'api.openai.com:443'), 'wrong_audience')
  assert.equal(misdirected('EGRESS-1', 'api.openai.com:443'), 'wrong_audience')
  assert.equal(misdirected('egress-1', 'api.openai.com:444'), 'wrong_authority')
  assert.equal(misdirected('egress-2', 'x:1'), 'wrong_audience')
})

test('what the forms have in common is named alike', () => {
  const token = presentedToken(tokenOf(key, { jti: 'AAAAAAAAAAAAAAAAAAAAAA' }), 'egress-1', 'api.openai.com:443')
  assert.deepEqual(
    [token?.device, token?.jti, token?.policy, token?.version, token?.hash],
    ['laptop-7', 'AAAAAAAAAAAAAAAAAAAAAA', digest, '0.1.0', null],
  )
  const nexus = presentedNexus(nexusOf(key, { nonce: '0'.repeat(32) }))
  assert.deepEqual(
    [nexus?.device, nexus?.jti, nexus?.policy, nexus?.version, nexus?.hash, nexus?.misdirected],
    ['laptop-7', '0'.repeat(32), null, null, nexusHash(), undefined],
  )
  assert.deepEqual([nexus?.from, nexus?.until], [signedAt - 300_000, signedAt + 301_000])
})

test('what cannot be read is nothing', () => {
  assert.equal(presentedToken('x', 'egress-1', 'a:1'), undefined)
  assert.equal(presentedNexus('x'), undefined)
})

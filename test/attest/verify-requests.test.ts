import assert from 'node:assert/strict'
import { test } from 'node:test'
import nacl from 'tweetnacl'
import { nexusHash } from '../../src/attest/nexus.ts'
import type { Outcome, Verdict } from '../../src/attest/outcome.ts'
import { claimsOf, enrolled, signedAt, terms } from '../support/attestation.ts'
import { jws, nexus, other, publicKey, stage } from '../support/verifying.ts'

test('inside an intercepted connection the body is compared, and only the nexus form is read', async () => {
  const body = Buffer.from('{"model":"gpt"}')
  const request = async (headers: readonly string[], hash: string): Promise<Outcome> => {
    const asked = { headers, clientIp: '192.0.2.1', terms, bodyHash: async () => hash }
    return (await stage().verifier.request(asked)).outcome
  }
  assert.equal(await request(nexus({ hash: nexusHash(body) }), nexusHash(body)), 'valid')
  assert.equal(await request(nexus(), nexusHash()), 'valid')
  assert.equal(await request(nexus({ hash: nexusHash(body) }), nexusHash(Buffer.from('{}'))), 'bad_signature')
  assert.equal(await request(nexus(), nexusHash(body)), 'bad_signature')
  assert.equal(await request(nexus({ hash: nexusHash(body) }), nexusHash(body).slice(1)), 'bad_signature')
  assert.equal(await request(jws(), nexusHash()), 'missing')
  assert.equal(await request([...jws(), ...nexus()], nexusHash()), 'valid')
})

test('the body is read only when all else fits, and a nonce is not spent on another body', async () => {
  const { verifier, spent } = stage()
  let asked = 0
  const request = (headers: readonly string[], bodyHash: () => Promise<string>): Promise<Verdict> =>
    verifier.request({ headers, clientIp: '192.0.2.1', terms, bodyHash })
  const counted = async (): Promise<string> => {
    asked += 1
    return nexusHash(Buffer.from('other'))
  }
  await request(nexus({}, other.key), counted)
  await request(nexus({ device: 'unknown' }), counted)
  assert.equal(asked, 0)
  const attested = nexus()
  assert.equal((await request(attested, counted)).outcome, 'bad_signature')
  assert.deepEqual([asked, spent.size], [1, 0])
  assert.equal((await request(attested, async () => nexusHash())).outcome, 'valid')
  await assert.rejects(
    request(nexus(), () => Promise.reject(new Error('the client left'))),
    /the client left/,
  )
})

test('who fails a hundred times is not looked at for a while, whatever comes; others are', async () => {
  const kinds: (() => readonly string[])[] = [
    () => jws({}, other.key),
    () => nexus({}, other.key),
    () => jws({ iss: 'unknown' }),
    () => ['Sallyport-Attestation', 'garbage'],
  ]
  for (const garbage of kinds) {
    let known = 0
    const { connect } = stage({
      options: { deviceOf: (id) => (known++, id === 'laptop-7' ? enrolled(publicKey) : undefined) },
    })
    const outcomes = await Promise.all(Array.from({ length: 300 }, () => connect({ headers: garbage() })))
    const looked = outcomes.filter(({ outcome }) => outcome !== 'rate_limited').length
    // Those that were being verified when the hundredth failed.
    assert.ok(looked >= 100 && looked <= 108, String(looked))
    const before = known
    const verdict = await connect({ headers: jws() })
    assert.deepEqual(verdict, {
      outcome: 'rate_limited',
      form: 'jws',
      device: null,
      jti: null,
      policy: null,
      version: null,
    })
    assert.equal(known, before)
    assert.equal((await connect({ headers: [] })).outcome, 'missing')
    assert.equal((await connect({ headers: jws(), clientIp: '192.0.2.2' })).outcome, 'valid')
  }
})

test('a token that is shown again and again counts as a failure each time', async () => {
  const { connect } = stage()
  const headers = jws()
  const outcomes = new Map<string, number>()
  for (let i = 0; i < 150; i++) {
    const { outcome } = await connect({ headers })
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }
  assert.deepEqual(
    [...outcomes],
    [
      ['valid', 1],
      ['replayed', 100],
      ['rate_limited', 49],
    ],
  )
})

test('garbage from many addresses does not keep those from being heard who have proved something', async () => {
  const { connect } = stage()
  assert.equal((await connect({ headers: jws() })).outcome, 'valid')
  for (let i = 0; i < 1_000; i++) {
    const clientIp = `10.0.${i >> 8}.${i & 255}`
    assert.equal((await connect({ headers: ['Sallyport-Attestation', 'garbage'], clientIp })).outcome, 'malformed')
  }
  assert.equal((await connect({ headers: jws(), clientIp: '198.51.100.1' })).outcome, 'rate_limited')
  assert.equal((await connect({ headers: jws() })).outcome, 'valid')
})

test('what only a device can bring about does not count as a failure', async () => {
  const { connect } = stage()
  for (let i = 0; i < 150; i++) await connect({ headers: jws({ authority: 'x:1' }) })
  assert.equal((await connect({ headers: jws() })).outcome, 'valid')
})

test('a burst of good ones from one address is all valid', async () => {
  const { connect } = stage()
  const verdicts = await Promise.all(Array.from({ length: 500 }, () => connect({ headers: jws() })))
  assert.ok(verdicts.every(({ outcome }) => outcome === 'valid'))
})

test('attestations that were made and signed without any of this code are valid', async () => {
  const { publicKey: theirs, secretKey } = nacl.sign.keyPair()
  const base64url = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64url')
  const signedBy = (text: string): string => base64url(nacl.sign.detached(Buffer.from(text), secretKey))
  // White space and the order of names are free in JSON.
  const head = base64url('{ "typ": "JWT",\n "kid": "laptop-7", "alg": "EdDSA" }\n')
  const claims = Object.entries(claimsOf()).toReversed()
  const body = base64url(JSON.stringify(Object.fromEntries(claims), null, 2))
  const lines = [
    'v1',
    `ts=${signedAt / 1_000}`,
    `nonce=${'0f'.repeat(16)}`,
    `hash=sha256:${nexusHash()}`,
    'agent_id=laptop-7',
  ]
  const { connect } = stage({ device: { publicKey: theirs } })
  for (const headers of [
    ['Sallyport-Attestation', `${head}.${body}.${signedBy(`${head}.${body}`)}`],
    ['X-Nexus-Attestation', `${lines.join(';')};sig=${signedBy(lines.map((line) => `${line}\n`).join(''))}`],
  ])
    assert.equal((await connect({ headers })).outcome, 'valid')
})

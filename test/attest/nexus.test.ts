import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import nacl from 'tweetnacl'
import { nexusHash, nexusSigned, parseNexus } from '../../src/attest/nexus.ts'
import { deviceKey, nexusOf, signedAt } from '../support/attestation.ts'

const { key, publicKey } = deviceKey()

test('the header is read, and its five lines are what was signed', () => {
  const nonce = '0123456789abcdef'.repeat(2)
  const text = nexusOf(key, { nonce, hash: nexusHash(Buffer.from('body')) })
  const nexus = parseNexus(text)
  assert.ok(nexus !== undefined)
  const { signed, signature, ...rest } = nexus
  assert.deepEqual(rest, { device: 'laptop-7', ts: signedAt / 1_000, nonce, hash: nexusHash(Buffer.from('body')) })
  assert.equal(
    signed.toString(),
    `v1\nts=1800000000\nnonce=${nonce}\nhash=sha256:230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5\nagent_id=laptop-7\n`,
  )
  assert.ok(nacl.sign.detached.verify(signed, signature, publicKey))
})

test('the hash of nothing is that of the empty string', () => {
  assert.equal(nexusHash(), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})

test('cut at any byte, or with a byte more, it is refused', () => {
  const text = nexusOf(key)
  for (let end = 0; end < text.length; end++) assert.equal(parseNexus(text.slice(0, end)), undefined, `end ${end}`)
  for (let start = 1; start <= text.length; start++)
    assert.equal(parseNexus(text.slice(start)), undefined, `start ${start}`)
  for (const more of [';', ';x=1', ' ', '\n', 'A', ',', '\0', '=']) {
    assert.equal(parseNexus(text + more), undefined, JSON.stringify(more))
    assert.equal(parseNexus(more + text), undefined, JSON.stringify(more))
  }
})

test('fields that are missing, twice, unknown, in another order or spelled otherwise are refused', () => {
  const text = nexusOf(key)
  const fields = text.split(';')
  for (const [i, field] of fields.entries()) {
    assert.equal(parseNexus(fields.toSpliced(i, 1).join(';')), undefined, `without ${field}`)
    assert.equal(parseNexus(fields.toSpliced(i, 0, field).join(';')), undefined, `twice ${field}`)
    assert.equal(parseNexus(fields.toSpliced(i, 0, 'x=1').join(';')), undefined, `unknown before ${field}`)
    assert.equal(parseNexus(fields.toSpliced(i, 1, ` ${field}`).join(';')), undefined, `space before ${field}`)
    assert.equal(parseNexus(fields.toSpliced(i, 1, `${field}=`).join(';')), undefined, `= after ${field}`)
  }
  const swapped = [fields[0], fields[2], fields[1], ...fields.slice(3)]
  assert.equal(parseNexus(swapped.join(';')), undefined)
})

const spoilt: Record<string, [RegExp, string]> = {
  'another version': [/^v1/, 'v2'],
  'a version in capitals': [/^v1/, 'V1'],
  'zeros in front of ts': [/ts=/, 'ts=0'],
  'a sign in front of ts': [/ts=/, 'ts=+'],
  'a ts below zero': [/ts=/, 'ts=-'],
  'a ts with a fraction': [/ts=\d+/, 'ts=1800000000.5'],
  'a ts with an exponent': [/ts=\d+/, 'ts=18e8'],
  'a ts of 13 digits': [/ts=\d+/, 'ts=1800000000000'],
  'a nonce of 31 digits': [/nonce=./, 'nonce='],
  'a nonce of 33 digits': [/nonce=/, 'nonce=a'],
  'a nonce in capitals': [/nonce=.{2}/, 'nonce=AB'],
  'a nonce that is not hex': [/nonce=./, 'nonce=g'],
  'another hash': [/sha256:/, 'sha512:'],
  'a hash of 63 digits': [/sha256:./, 'sha256:'],
  'a hash in capitals': [/sha256:.{2}/, 'sha256:AB'],
  'no device': [/agent_id=[^;]+/, 'agent_id='],
  'a device with a slash': [/agent_id=[^;]+/, 'agent_id=a/b'],
  'a device with a question mark': [/agent_id=[^;]+/, 'agent_id=a?b'],
  'a device of dots': [/agent_id=[^;]+/, 'agent_id=..'],
  'a device with a line break': [/agent_id=[^;]+/, 'agent_id=a\nb'],
  'a device of 65 letters': [/agent_id=[^;]+/, `agent_id=${'a'.repeat(65)}`],
  padding: [/$/, '=='],
  'a sig of 63 bytes': [/sig=.{2}/, 'sig='],
  'a sig in base64': [/sig=./, 'sig=+'],
  'a sig that is not canonical': [/.$/, 'B'],
}
for (const [what, [pattern, replacement]] of Object.entries(spoilt)) {
  test(`with ${what} it is refused`, () => {
    const text = nexusOf(key)
    assert.notEqual(text.replace(pattern, replacement), text)
    assert.equal(parseNexus(text.replace(pattern, replacement)), undefined)
  })
}

test('whatever stands there, reading it never throws; what is taken is written back the same', () => {
  const field = fc.constantFrom(
    'v1',
    'ts=1',
    'nonce=' + 'a'.repeat(32),
    'hash=sha256:' + 'b'.repeat(64),
    'agent_id=a',
    'sig=' + 'A'.repeat(86),
    '',
    'x',
  )
  const text = fc.oneof(
    fc.string(),
    fc.array(field, { maxLength: 7 }).map((fields) => fields.join(';')),
  )
  fc.assert(
    fc.property(text, (given) => {
      const nexus = parseNexus(given)
      if (nexus === undefined) return
      const [v1, ...lines] = nexusSigned(nexus).toString().trimEnd().split('\n')
      assert.equal(given, `${v1};${lines.join(';')};sig=${nexus.signature.toString('base64url')}`)
    }),
    { numRuns: 1_000 },
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { KeyObject } from 'node:crypto'
import { nexusHash } from '../../src/attest/nexus.ts'
import type { Outcome, Verdict } from '../../src/attest/outcome.ts'
import { claimsOf, digest, jwsOf, signedAt } from '../support/attestation.ts'
import { jws, key, nexus, other, stage } from '../support/verifying.ts'
import type { Setting } from '../support/verifying.ts'

const second = 1_000

const withNbf = (nbf: number): string[] => [
  'Sallyport-Attestation',
  jwsOf(key, '{"alg":"EdDSA","kid":"laptop-7"}', JSON.stringify({ ...claimsOf(), nbf: signedAt / second + nbf })),
]
const throwing = (): never => {
  throw new Error('the disk is gone')
}

type Case = Setting & { readonly outcome: Outcome }

/** What differs in form only: the same must become of both. */
const inBothForms = (attested: (changes?: { device?: string }, by?: KeyObject) => string[]): Record<string, Case> => ({
  'all that fits': { headers: attested(), outcome: 'valid' },
  'a signature by another key': { headers: attested({}, other.key), outcome: 'bad_signature' },
  'a signature by the key of another device': {
    headers: attested({ device: 'desktop' }, other.key),
    outcome: 'unknown_device',
  },
  'no such device': { headers: attested(), device: null, outcome: 'unknown_device' },
  'an id in another case': { headers: attested(), device: { id: 'Laptop-7' }, outcome: 'unknown_device' },
  'a revoked device': { headers: attested(), device: { revoked: true }, outcome: 'revoked' },
  'a device that is over': { headers: attested(), device: { expires: signedAt }, outcome: 'expired' },
  'a device in its last millisecond': { headers: attested(), device: { expires: signedAt + 1 }, outcome: 'valid' },
  'a device that is not good yet': {
    headers: attested(),
    device: { notBefore: signedAt + 1 },
    outcome: 'not_yet_valid',
  },
  'a device from now on': { headers: attested(), device: { notBefore: signedAt }, outcome: 'valid' },
  'the key before the rotation, in time': {
    headers: attested({}, other.key),
    device: { previous: { publicKey: other.publicKey, until: signedAt + 1 } },
    outcome: 'valid',
  },
  'the new key, while the old one is taken': {
    headers: attested(),
    device: { previous: { publicKey: other.publicKey, until: signedAt + 1 } },
    outcome: 'valid',
  },
  'the key before the rotation, too late': {
    headers: attested({}, other.key),
    device: { previous: { publicKey: other.publicKey, until: signedAt } },
    outcome: 'bad_signature',
  },
  'a device whose key is no point': {
    headers: attested(),
    device: { publicKey: Buffer.alloc(32, 2) },
    outcome: 'bad_signature',
  },
  'a device whose key has 31 bytes': {
    headers: attested(),
    device: { publicKey: Buffer.alloc(31, 2) },
    outcome: 'bad_signature',
  },
  'devices that cannot be read': { headers: attested(), options: { deviceOf: throwing }, outcome: 'unavailable' },
  'a guard that has no room': {
    headers: attested(),
    options: { spend: async () => 'unavailable' },
    outcome: 'unavailable',
  },
  'a guard that fails': {
    headers: attested(),
    options: { spend: () => Promise.reject(new Error('x')) },
    outcome: 'unavailable',
  },
  'a guard that throws': { headers: attested(), options: { spend: throwing }, outcome: 'unavailable' },
  'a token that was seen': { headers: attested(), options: { spend: async () => 'replayed' }, outcome: 'replayed' },
  'a policy the device may not have': {
    headers: attested(),
    device: { policies: ['e'.repeat(64)] },
    outcome: 'policy_not_accepted',
  },
  'a device of any policy': { headers: attested(), device: { policies: ['any'] }, outcome: 'valid' },
  'a policy the host does not accept': {
    headers: attested(),
    terms: { policies: ['e'.repeat(64)] },
    outcome: 'policy_not_accepted',
  },
  'a host that accepts no policy': { headers: attested(), terms: { policies: [] }, outcome: 'policy_not_accepted' },
  'a share below what was drawn': { headers: attested(), terms: { reinspect: 0.5 }, outcome: 'valid' },
  'a share above what was drawn': { headers: attested(), terms: { reinspect: 0.51 }, outcome: 'reinspected' },
  'a share of all': {
    headers: attested(),
    terms: { reinspect: 1 },
    options: { random: () => 0.999 },
    outcome: 'reinspected',
  },
  'a share of none': { headers: attested(), terms: { reinspect: 0 }, options: { random: () => 0 }, outcome: 'valid' },
  'the field twice': { headers: [...attested(), ...attested()], outcome: 'malformed' },
  'the same field twice': { headers: [attested(), attested()].flat(), outcome: 'malformed' },
  'both forms': { headers: [...jws(), ...nexus()], outcome: 'malformed' },
  'an empty field': { headers: [attested()[0] as string, ''], outcome: 'malformed' },
  'a field in quotation marks': { headers: [attested()[0] as string, `"${attested()[1]}"`], outcome: 'malformed' },
  'two in one field': {
    headers: [attested()[0] as string, `${attested()[1]}, ${attested()[1]}`],
    outcome: 'malformed',
  },
  'no field at all': { headers: ['Host', 'api.openai.com:443'], outcome: 'missing' },
})

const ofTheToken: Record<string, Case> = {
  'another audience': { headers: jws({ aud: 'egress-2' }), outcome: 'wrong_audience' },
  'an audience in capitals': { headers: jws({ aud: 'EGRESS-1' }), outcome: 'wrong_audience' },
  'another host': { headers: jws({ authority: 'api.anthropic.com:443' }), outcome: 'wrong_authority' },
  'another port': { headers: jws({ authority: 'api.openai.com:8443' }), outcome: 'wrong_authority' },
  'no port': { headers: jws({ authority: 'api.openai.com' }), outcome: 'wrong_authority' },
  'a host in capitals': { headers: jws({ authority: 'API.OpenAI.com:443' }), outcome: 'valid' },
  'an IPv6 target': {
    headers: jws({ authority: '[2001:db8::1]:443' }),
    authority: '[2001:db8::1]:443',
    outcome: 'valid',
  },
  'the last millisecond before it is over': { headers: jws(), at: signedAt + 90 * second - 1, outcome: 'valid' },
  'the moment when it is over': { headers: jws(), at: signedAt + 90 * second, outcome: 'expired' },
  'a clock half a minute ahead': { headers: jws(), at: signedAt - 30 * second, outcome: 'valid' },
  'a clock further ahead': { headers: jws(), at: signedAt - 30 * second - 1, outcome: 'not_yet_valid' },
  'a nbf that has come': { headers: withNbf(30), outcome: 'valid' },
  'a nbf to come': { headers: withNbf(31), outcome: 'not_yet_valid' },
  'a digest that both name': {
    headers: jws(),
    terms: { policies: ['a', digest] },
    device: { policies: [digest] },
    outcome: 'valid',
  },
  'a digest that only the host names': {
    headers: jws(),
    terms: { policies: [digest] },
    device: { policies: ['a'] },
    outcome: 'policy_not_accepted',
  },
  'a digest in capitals': {
    headers: jws(),
    terms: { policies: [digest.toUpperCase()] },
    outcome: 'policy_not_accepted',
  },
  'a policy that calls itself any': {
    headers: jws({ policy: 'any' }),
    terms: { policies: [digest] },
    outcome: 'policy_not_accepted',
  },
  'a program that is new enough': { headers: jws({ ver: '1.10.0' }), terms: { minVersion: '1.9' }, outcome: 'valid' },
  'a program that is too old': {
    headers: jws({ ver: '1.8.9' }),
    terms: { minVersion: '1.9' },
    outcome: 'policy_not_accepted',
  },
  'a pre-release': {
    headers: jws({ ver: '1.9.0-rc.1' }),
    terms: { minVersion: '1.9' },
    outcome: 'policy_not_accepted',
  },
  'a program of no known version': {
    headers: jws({ ver: 'dev' }),
    terms: { minVersion: '1.9' },
    outcome: 'policy_not_accepted',
  },
  'the other form beside it, which does not count here': {
    headers: [...jws(), ...nexus()],
    terms: { nexus: false },
    outcome: 'valid',
  },
}

const ofNexus: Record<string, Case> = {
  'a time five minutes ago': { headers: nexus(), at: signedAt + 301 * second - 1, outcome: 'valid' },
  'a time longer ago': { headers: nexus(), at: signedAt + 301 * second, outcome: 'expired' },
  'a clock five minutes ahead': { headers: nexus(), at: signedAt - 300 * second, outcome: 'valid' },
  'a clock further ahead': { headers: nexus(), at: signedAt - 300 * second - 1, outcome: 'not_yet_valid' },
  'the hash of a body, where there is none': {
    headers: nexus({ hash: nexusHash(Buffer.from('x')) }),
    outcome: 'bad_signature',
  },
  'digests, of which it names none': {
    headers: nexus(),
    terms: { policies: [digest] },
    outcome: 'policy_not_accepted',
  },
  'a least version, and it names none': {
    headers: nexus(),
    terms: { minVersion: '0.0' },
    outcome: 'policy_not_accepted',
  },
  'a host that takes the other form only': { headers: nexus(), terms: { nexus: false }, outcome: 'missing' },
}

const matrix = {
  jws: { ...inBothForms(({ device } = {}, by) => jws(device === undefined ? {} : { iss: device }, by)), ...ofTheToken },
  nexus: { ...inBothForms((changes, by) => nexus(changes, by)), ...ofNexus },
}
for (const [form, cases] of Object.entries(matrix)) {
  for (const [what, { outcome, ...setting }] of Object.entries(cases)) {
    test(`${form}: with ${what} it is ${outcome}`, async () => {
      const { connect, spent, seen } = stage(setting)
      const verdict = await connect(setting)
      assert.equal(verdict.outcome, outcome)
      const isGood = outcome === 'valid' || outcome === 'reinspected'
      assert.deepEqual([spent.size, seen], isGood ? [1, ['laptop-7']] : [0, []])
      if (isGood) assert.equal((await connect(setting)).outcome, 'replayed')
    })
  }
}

test('a verdict tells the form and what stands in it', async () => {
  const { connect } = stage()
  const empty = { device: null, jti: null, policy: null, version: null }
  const named = { device: 'laptop-7', policy: digest, version: '0.1.0' }
  const jti = 'AAAAAAAAAAAAAAAAAAAAAA'
  const nonce = '0'.repeat(32)
  const expected: [readonly string[], Verdict][] = [
    [jws({ jti }), { outcome: 'valid', form: 'jws', jti, ...named }],
    [jws({ jti }), { outcome: 'replayed', form: 'jws', jti, ...named }],
    [jws({ jti }, other.key), { outcome: 'bad_signature', form: 'jws', jti, ...named }],
    [nexus({ nonce }), { outcome: 'valid', form: 'nexus', ...empty, device: 'laptop-7', jti: nonce }],
    [['X-Nexus-Attestation', 'v1;x'], { outcome: 'malformed', form: 'nexus', ...empty }],
    [[...jws(), ...nexus()], { outcome: 'malformed', form: null, ...empty }],
    [[], { outcome: 'missing', form: null, ...empty }],
  ]
  for (const [headers, verdict] of expected) assert.deepEqual(await connect({ headers }), verdict)
})

test('with any byte gone, or any bit the other way, no attestation is valid', async () => {
  for (const [name, text] of [jws(), nexus()] as [string, string][]) {
    // A verifier of its own for each: failures are counted.
    const outcomeOf = async (value: string): Promise<Outcome> =>
      (await stage().connect({ headers: [name, value] })).outcome
    assert.equal(await outcomeOf(text), 'valid')
    for (let i = 0; i < text.length; i++) {
      const shorter = text.slice(0, i) + text.slice(i + 1)
      assert.notEqual(await outcomeOf(shorter), 'valid', `${name} without byte ${i}`)
      assert.notEqual(await outcomeOf(text.slice(0, i)), 'valid', `${name} to byte ${i}`)
      for (let bit = 0; bit < 8; bit++) {
        const flipped = text.slice(0, i) + String.fromCharCode(text.charCodeAt(i) ^ (1 << bit)) + text.slice(i + 1)
        assert.notEqual(await outcomeOf(flipped), 'valid', `${name} byte ${i} bit ${bit}`)
      }
    }
  }
})

test('whatever is done to an attestation, it is not valid and nothing throws', async () => {
  const texts = [jws(), nexus()] as [string, string][]
  const edit = fc.record({
    at: fc.nat(500),
    drop: fc.nat(3),
    put: fc.oneof(fc.string({ maxLength: 3 }), fc.constant('.'), fc.constant(';')),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...texts),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      async ([name, text], edits) => {
        const changed = edits.reduce((left, { at, drop, put }) => left.slice(0, at) + put + left.slice(at + drop), text)
        const { outcome } = await stage().connect({ headers: [name, changed] })
        assert.equal(outcome === 'valid', changed === text)
      },
    ),
    { numRuns: 500 },
  )
})

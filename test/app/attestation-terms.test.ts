import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attestationTerms } from '../../src/app/attestation-terms.ts'
import { configSchema } from '../../src/config/schema.ts'

const settings = (says: object) => configSchema.parse({ attestation: says }).attestation
const digest = 'a'.repeat(64)

test('what the entry of a host leaves out the configuration says', () => {
  const named = settings({ accept: true, audience: 'egress-1', minVersion: '1.2', reinspect: 0.1 })
  assert.deepEqual(attestationTerms({}, named), {
    audience: 'egress-1',
    policies: ['any'],
    minVersion: '1.2',
    reinspect: 0.1,
    nexus: false,
  })
  const own = { minVersion: '2', policies: [digest], reinspect: 1 }
  assert.deepEqual(attestationTerms({ attestation: own }, { ...named, nexus: true }), {
    audience: 'egress-1',
    ...own,
    nexus: true,
  })
})

const accepted: readonly [what: string, entry: boolean | undefined, config: object, expected: boolean][] = [
  ['neither says anything', undefined, {}, false],
  ['the configuration accepts', undefined, { accept: true, audience: 'x' }, true],
  ['the configuration accepts, the entry does not', false, { accept: true, audience: 'x' }, false],
  ['the entry accepts, the configuration does not', true, { accept: false, audience: 'x' }, true],
  ['the entry accepts, and the proxy has no name', true, { accept: false }, false],
]
for (const [what, accept, config, expected] of accepted) {
  test(`${what}: ${expected ? 'accepted' : 'not accepted'}`, () => {
    const entry = accept === undefined ? {} : { attestation: { accept } }
    assert.equal(attestationTerms(entry, settings(config)) !== undefined, expected)
  })
}

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { createVerifier } from '../../src/attest/verify.ts'
import type { Terms, VerifierOptions } from '../../src/attest/verify.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { attestedConnect, decideAttested, requestProof } from '../../src/proxy/attested.ts'
import type { Connection, Tunnel } from '../../src/proxy/context.ts'
import type { Decision } from '../../src/proxy/decide.ts'
import type { ProxyParts } from '../../src/proxy/parts.ts'
import { attesting } from '../support/attesting.ts'

const device = attesting('laptop-1')
const nexusTerms: Terms = { audience: 'egress-1', policies: ['any'], minVersion: null, reinspect: 0, nexus: true }
const handling = { action: 'inspect', reason: '', onRejectedLeaf: 'refuse' } as const
const authority = { host: 'api.test', port: 443 }

/** The parts of a door that accepts these terms. */
function door(terms: Terms | undefined, over: Partial<VerifierOptions> = {}) {
  const enrolled = {
    id: device.id,
    publicKey: device.publicKey,
    previous: null,
    notBefore: 0,
    expires: Infinity,
    revoked: false,
    policies: [],
  }
  const spent = new Set<string>()
  const verifier = createVerifier({
    deviceOf: (id) => (id === device.id ? enrolled : undefined),
    spend: async ({ jti }) => (spent.has(jti) ? 'replayed' : (spent.add(jti), 'new')),
    seen: () => undefined,
    now: Date.now,
    random: () => 0.5,
    ...over,
  })
  const attestation = { terms: () => terms, inside: () => terms?.nexus === true, verifier }
  const rooms = { policy: () => ({ intercept: () => handling }) }
  return { attestation, metrics: createMetrics(), rooms } as unknown as ProxyParts
}

const connect = (parts: ProxyParts, ...headers: string[]) =>
  attestedConnect(parts, { handling, headers, authority, clientIp: '10.0.0.1' })

test('where none is accepted nobody looks at the header', async () => {
  const looked = () => assert.fail('somebody looked')
  const header = ['sallyport-attestation', device.token('api.test:443')]
  const parts = door(undefined, { deviceOf: looked, spend: looked })
  assert.equal(await connect(parts, ...header), undefined)
  assert.equal(await connect({ ...parts, attestation: undefined }, ...header), undefined)
  assert.doesNotMatch(await parts.metrics.registry.metrics(), /attestations_total\{/)
})

test('every outcome is counted, with its form', async () => {
  const parts = door(nexusTerms)
  const token = device.token('api.test:443')
  for (const [headers, outcome] of [
    [['Sallyport-Attestation', token], 'valid'],
    [['Sallyport-Attestation', token], 'replayed'],
    [['x-nexus-attestation', device.nexus()], 'valid'],
    [[], 'missing'],
  ] as const)
    assert.equal((await connect(parts, ...headers))?.outcome, outcome)
  const counted = await parts.metrics.registry.metrics()
  for (const labels of ['valid",form="jws', 'replayed",form="jws', 'valid",form="nexus', 'missing",form="none'])
    assert.match(counted, new RegExp(`attestations_total\\{outcome="${labels}"\\} 1\\n`))
})

test('an IPv6 address is named in brackets', async () => {
  const about = { handling, authority: { host: '2001:db8::1', port: 443 }, clientIp: '10.0.0.1' }
  const headers = ['sallyport-attestation', device.token('[2001:db8::1]:443')]
  assert.equal((await attestedConnect(door(nexusTerms), { ...about, headers }))?.outcome, 'valid')
})

const names: readonly [sni: string | null, otherwise: Decision['kind'], expected: Decision['kind']][] = [
  [null, 'inspect', 'tunnel'],
  ['api.test', 'inspect', 'tunnel'],
  ['other.test', 'deny', 'deny'],
  ['other.test', 'inspect', 'deny'],
  ['other.test', 'tunnel', 'tunnel'],
]
for (const [sni, otherwise, expected] of names) {
  test(`with ${sni ?? 'no name'} in the hello, which without the token would be ${otherwise}: ${expected}`, () => {
    const decided = decideAttested('api.test', 'laptop-1', () => ({ kind: otherwise, reason: 'policy' }))(sni)
    assert.equal(decided.kind, expected)
    if (decided.kind === 'tunnel') assert.equal(decided.reason, 'attested by laptop-1')
  })
}

const inside = (parts: ProxyParts, headers: readonly string[], before?: Tunnel['attestation']) => {
  const context = { clientIp: '10.0.0.1' } as Connection
  return requestProof(
    parts,
    { headers, context },
    { ...authority, scheme: 'https', principal: null, attestation: before },
  )
}
const hashOf = (body: string) => async () => createHash('sha256').update(body).digest('hex')

test('a request inside proves itself with the nexus form only, and where that is accepted', async () => {
  const parts = door(nexusTerms)
  const proof = inside(parts, ['x-nexus-attestation', device.nexus('body')])
  const { proved, record } = (await proof?.(hashOf('body'))) ?? {}
  assert.equal(proved, true)
  assert.partialDeepStrictEqual(JSON.parse(record as string), { outcome: 'valid', form: 'nexus', device: 'laptop-1' })
  const other = inside(parts, ['sallyport-attestation', device.token('api.test:443')])
  assert.partialDeepStrictEqual(await other?.(hashOf('')), { proved: false })
  assert.equal(inside(door({ ...nexusTerms, nexus: false }), []), undefined)
})

test('the body is read only when all else fits', async () => {
  const unread = () => assert.fail('the body was read')
  for (const value of ['garbage', attesting('laptop-1').nexus('x'), attesting('stranger').nexus('x')])
    assert.partialDeepStrictEqual(await inside(door(nexusTerms), ['x-nexus-attestation', value])?.(unread), {
      proved: false,
    })
})

test('what is missing inside is told where it was missing before, too', async () => {
  const cases: [Tunnel['attestation'], boolean][] = [
    [undefined, true],
    ['missing', true],
    ['replayed', false],
    ['reinspected', false],
  ]
  for (const [before, told] of cases) {
    const outcome = await inside(door(nexusTerms), [], before)?.(hashOf(''))
    assert.equal(outcome?.record !== null, told, String(before))
  }
})

test('inside a connection that was chosen to be inspected anyway no request gets out of it', async () => {
  const looked = () => assert.fail('somebody looked')
  const parts = door(nexusTerms, { deviceOf: looked, spend: looked })
  const proof = inside(parts, ['x-nexus-attestation', device.nexus('body')], 'reinspected')
  assert.deepEqual(await proof?.(hashOf('body')), { proved: false, record: null })
})

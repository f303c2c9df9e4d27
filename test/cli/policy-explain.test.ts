import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { configSchema } from '../../src/config/schema.ts'
import { explainHost } from '../../src/cli/policy-explain.ts'
import type { ExplainOptions } from '../../src/cli/policy-explain.ts'
import { setOf } from '../policy/fixture.ts'
import { sink } from '../support/command-line.ts'

const policy = `
mode: observe
intercept:
  - { hosts: [a.example, "2001:db8::1"], action: inspect, reason: ours }
  - { hosts: [never.example], action: deny }
  - { hosts: [proved.example], action: inspect, attestation: { accept: true, minVersion: "1.4", reinspect: 0.02 } }
rules: [{ name: birds, hook: words, on: request, action: flag, when: { provider: openai } }]
`
const printed = async (options: Partial<ExplainOptions> & { host: string }, says: object = {}): Promise<string> => {
  const settings = configSchema.parse({ attestation: says })
  const out = sink()
  const io = { stdin: Readable.from([]), stdout: out.stream, stderr: sink().stream, env: {}, cwd: '/' }
  await explainHost(await setOf(policy), settings, { client: '127.0.0.1', door: 'proxy', ...options }, io)
  return out.text()
}

test('an inspected host is shown with its entry and rules', async () => {
  assert.equal(
    await printed({ host: 'a.example' }),
    [
      'a.example: inspect (ours)',
      '  0.yaml:4  a.example, 2001:db8::1 → inspect  decides',
      'mode observe: what is found is recorded, nothing is changed',
      'provider generic',
      'on requests:',
      '  0.yaml:7  birds (words: flag)  does not apply: provider does not match',
      'on responses:',
      '  no rule',
      '',
    ].join('\n'),
  )
})

test('a tunnel is said to be one, a denied host has no rules', async () => {
  assert.match(await printed({ host: 'x.example' }), /no rule sees what is in a tunnel/)
  assert.doesNotMatch(await printed({ host: 'never.example' }), /on requests/)
})

test('a host may come with a port, with brackets, or be an address', async () => {
  for (const [host, port] of [
    ['a.example:8443', 8443],
    ['a.example', 443],
    ['[2001:db8::1]:444', 444],
    ['2001:db8::1', 443],
  ] as const) {
    const told = JSON.parse(await printed({ host, json: true }))
    assert.equal(told.port, port, host)
    assert.equal(told.handling.reason, 'ours', host)
  }
})

test('what an attestation has to fit is told where one is accepted', async () => {
  const named = { audience: 'egress-1' }
  assert.match(
    await printed({ host: 'proved.example' }, named),
    /\nattestation: accepted: for egress-1, policy set any, version 1\.4 or later, a share of 0\.02 is inspected anyway\n/,
  )
  assert.match(
    await printed({ host: 'proved.example' }),
    /\nattestation: not accepted: attestation\.audience is not set\n/,
  )
  assert.doesNotMatch(await printed({ host: 'a.example' }, named), /attestation/)
  assert.match(
    await printed({ host: 'a.example' }, { ...named, accept: true, nexus: true }),
    /\nattestation: accepted: for egress-1, policy set any, X-Nexus-Attestation too\n/,
  )
  const told = JSON.parse(await printed({ host: 'proved.example', json: true }, named))
  assert.deepEqual(told.attestation, { ...named, policies: ['any'], minVersion: '1.4', reinspect: 0.02, nexus: false })
})

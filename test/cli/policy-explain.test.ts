import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { explainHost } from '../../src/cli/policy-explain.ts'
import type { ExplainOptions } from '../../src/cli/policy-explain.ts'
import { setOf } from '../policy/fixture.ts'
import { sink } from '../support/command-line.ts'

const policy = `
mode: observe
intercept:
  - { hosts: [a.example, "2001:db8::1"], action: inspect, reason: ours }
  - { hosts: [never.example], action: deny }
rules: [{ name: birds, hook: words, on: request, action: flag, when: { provider: openai } }]
`
const printed = async (options: Partial<ExplainOptions> & { host: string }): Promise<string> => {
  const out = sink()
  const io = { stdin: Readable.from([]), stdout: out.stream, stderr: sink().stream, env: {}, cwd: '/' }
  await explainHost(await setOf(policy), { client: '127.0.0.1', door: 'proxy', ...options }, io)
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
      '  0.yaml:6  birds (words: flag)  does not apply: provider does not match',
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

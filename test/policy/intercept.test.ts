import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../../src/lib/yaml-strict.ts'
import { compileEntries } from '../../src/policy/intercept.ts'
import { readAll } from './fixture.ts'

const compiled = async (...texts: string[]) =>
  compileEntries(await readAll(...texts), ['api.openai.com'], { onRejectedLeaf: 'refuse' })

test('the entries of all files come in order, the default behind them', async () => {
  const { entries } = await compiled(
    'intercept:\n  - { hosts: [a.example], action: deny }\n  - { hosts: [catalogue], action: tunnel, reason: quiet }',
    'intercept: [{ hosts: [b.example, c.example, d.example], action: inspect, onRejectedLeaf: tunnel }]',
  )
  assert.deepEqual(
    entries.map(({ patterns, handling, line }) => [
      patterns,
      handling.action,
      handling.reason,
      handling.onRejectedLeaf,
      line,
    ]),
    [
      [['a.example'], 'deny', 'a.example (0.yaml:2)', 'refuse', 2],
      [['api.openai.com'], 'tunnel', 'quiet', 'refuse', 3],
      [['b.example', 'c.example', 'd.example'], 'inspect', 'b.example, c.example, … (1.yaml:1)', 'tunnel', 1],
      [['api.openai.com'], 'inspect', 'provider catalogue', 'refuse', 0],
      [['*'], 'tunnel', 'not in the provider catalogue', 'refuse', 0],
    ],
  )
})

test('a host that is none is a problem with its place', async () => {
  const { problems } = await compiled('intercept:\n  - { hosts: ["https://x.example"], action: inspect }')
  assert.deepEqual(problems.map(formatProblem), ['0.yaml:2:5: https://x.example is a URL: write the host only'])
})

test('what an entry says of attestation is part of its handling, and nothing where it says nothing', async () => {
  const { entries } = await compiled(
    'intercept:\n  - { hosts: [a.example], action: inspect, attestation: { accept: true } }\n  - { hosts: [b.example], action: inspect }',
  )
  assert.deepEqual(
    entries.slice(0, 2).map(({ handling }) => handling.attestation),
    [{ accept: true }, undefined],
  )
})

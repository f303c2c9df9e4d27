import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explain } from '../../src/policy/explain.ts'
import { connection, setOf } from './fixture.ts'

const policy = `
intercept:
  - { hosts: ["*.bank.example"], action: tunnel, reason: staff privacy }
  - { hosts: ["*"], action: deny, client: ["10.0.0.0/8"] }
rules:
  - { name: all, on: request, hook: words, action: { "KEYWORD:x": block, default: flag } }
  - { name: some, on: both, hook: words, action: redact, when: { provider: openai, model: "gpt-*" } }
`

test('it names the entry that decides, and why those before it do not', async () => {
  const set = await setOf(policy)
  const { handling, entries } = explain(set, connection)
  assert.equal(handling.action, 'inspect')
  assert.deepEqual(
    entries.map(({ line, action, failed }) => [line, action, failed]),
    [
      [3, 'tunnel', 'hosts'],
      [4, 'deny', 'client'],
      [0, 'inspect', null],
    ],
  )
  const bank = explain(set, { ...connection, host: 'www.bank.example' })
  assert.deepEqual(bank.handling, { action: 'tunnel', reason: 'staff privacy', onRejectedLeaf: 'refuse' })
  assert.equal(bank.entries.length, 1)
})

test('it names the rules of each stage, and the condition that keeps one from applying', async () => {
  const set = await setOf(policy)
  const told = explain(set, { ...connection, provider: 'openai', model: 'gpt-5' })
  assert.deepEqual(
    told.request.map(({ name, applies }) => [name, applies]),
    [
      ['all', true],
      ['some', true],
    ],
  )
  assert.deepEqual(
    told.response.map(({ name, applies }) => [name, applies]),
    [['some', true]],
  )
  assert.equal(told.request[0]?.action, 'KEYWORD:x block, otherwise flag')
  const other = explain(set, { ...connection, provider: 'openai', model: 'o3' })
  assert.deepEqual(
    other.response.map(({ applies, failed }) => [applies, failed]),
    [[false, 'model']],
  )
  const untold = explain(set, { ...connection, provider: 'openai' })
  assert.deepEqual(
    untold.response.map(({ applies, undecided }) => [applies, undecided]),
    [[true, ['model']]],
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayChange } from '../../src/engine/may-change.ts'
import { factsOf, startTrace } from '../../src/engine/trace.ts'
import { client, startEngine, wordRule } from '../support/engine.ts'

const engine = startEngine()

const cases: [string, string, boolean][] = [
  ['nothing', '', false],
  ['a rule for requests only', wordRule('block', 'request'), false],
  ['a rule that only looks, and may fail', wordRule('flag, onError: allow'), false],
  ['a rule that only looks, but must not fail', wordRule('flag, onError: block'), true],
  ['a rule that redacts', wordRule('redact, onError: allow'), true],
  [
    'a rule that is strict with one type',
    wordRule("{ 'KEYWORD:project': block, default: allow }, onError: allow"),
    true,
  ],
  ['a strict rule that only observes', `mode: observe\n${wordRule('block')}`, false],
]

for (const [what, policy, held] of cases) {
  test(`with ${what} bound, an answer is ${held ? 'held' : 'not held'}`, async () => {
    const rooms = await engine.rooms(policy)
    const trace = startTrace(rooms, client().exchange)
    assert.equal(mayChange(rooms, trace, trace.policy.bindingsFor(factsOf(trace), 'response')), held)
  })
}

test('an answer is held for whoever has placeholders to be put back, and for nobody else', async () => {
  const rooms = await engine.rooms('mode: observe')
  rooms.vault('principal ada').placeholderFor('EMAIL', 'ann@corp.example')
  for (const [principal, held] of [
    ['ada', true],
    ['bob', false],
  ] as const)
    assert.equal(mayChange(rooms, startTrace(rooms, client({ principal }).exchange), []), held)
})

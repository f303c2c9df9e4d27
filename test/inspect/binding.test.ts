import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stage } from '../../src/core/verdict.ts'
import { actionFor, isAfterwards, needsWholeAnswer, runsAt } from '../../src/inspect/binding.ts'
import type { Binding } from '../../src/inspect/binding.ts'
import { bound, detector, judge, keyRule } from '../support/inspection.ts'

const judgeHook = judge(() => ({ findings: [] }))

test('a type has its own action, else that of its family, else the default', () => {
  const byType = { 'SECRET:key': 'block', SECRET: 'redact', EMAIL: 'tokenize' } as const
  const binding = bound(detector(keyRule), 'flag', { byType })
  const actions = ['SECRET:key', 'SECRET:other', 'SECRET', 'EMAIL', 'PHONE'].map((type) =>
    actionFor(binding, type, 'enforce'),
  )
  assert.deepEqual(actions, ['block', 'redact', 'redact', 'tokenize', 'flag'])
})

test('observing, no action is stricter than flag', () => {
  assert.equal(actionFor(bound(detector(keyRule), 'block'), 'EMAIL', 'observe'), 'flag')
  assert.equal(actionFor(bound(detector(keyRule), 'allow'), 'EMAIL', 'observe'), 'allow')
})

const cases: [Binding['on'], Stage[]][] = [
  ['connection', ['connection']],
  ['request', ['request']],
  ['response', ['response']],
  ['both', ['request', 'response']],
]

for (const [on, stages] of cases) {
  test(`a rule on ${on} runs at ${stages.join(', ')}`, () => {
    const all: Stage[] = ['connection', 'request', 'response']
    assert.deepEqual(
      all.filter((stage) => runsAt(bound(judgeHook, 'flag', { on }), stage)),
      stages,
    )
  })
}

test('a hook does not run at stages that it does not know', () => {
  assert.equal(runsAt(bound(detector(keyRule), 'flag'), 'connection'), false)
})

test('only a judge on answers needs the whole answer', () => {
  assert.equal(needsWholeAnswer([bound(detector(keyRule), 'block')]), false)
  assert.equal(needsWholeAnswer([bound(judgeHook, 'flag', { on: 'request' })]), false)
  assert.equal(needsWholeAnswer([bound(detector(keyRule), 'block'), bound(judgeHook, 'flag')]), true)
})

test('a judge of what has been sent needs nobody to wait, as long as its rule flags at most', () => {
  const late = { ...judgeHook, afterwards: true } as const
  assert.equal(needsWholeAnswer([bound(late, 'flag')]), false)
  assert.equal(isAfterwards(bound(late, 'flag', { byType: { 'QUALITY:empty': 'block' } })), false)
  assert.equal(needsWholeAnswer([bound(late, 'block')]), true)
  assert.equal(isAfterwards(bound(judgeHook, 'flag')), false)
})

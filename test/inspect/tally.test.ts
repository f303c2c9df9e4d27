import assert from 'node:assert/strict'
import test from 'node:test'
import { Tally } from '../../src/inspect/tally.ts'
import type { Hit } from '../../src/inspect/binding.ts'
import { bound, detector, keyRule } from '../support/inspection.ts'

const match = { type: 'T', rule: 'r', start: 0, end: 1, confidence: 1, severity: 'low' } as const
const hit = (rule: string, action: Hit['action']): Hit => ({ start: 0, end: 1, match, rule, action })
const none = { edits: [], storeEdits: [] }

test('the first rule with the strictest action decides', () => {
  const tally = new Tally('request')
  for (const [rule, action] of [
    ['a', 'flag'],
    ['b', 'redact'],
    ['c', 'redact'],
    ['d', 'allow'],
  ] as const)
    tally.finding(hit(rule, action), 'p', 0)
  const { decision, rule, findings } = tally.inspection(none)
  assert.deepEqual([decision, rule, findings.length], ['redact', 'b', 4])
})

test('findings beyond the most that are listed still decide, and are counted', () => {
  const tally = new Tally('request')
  for (let i = 0; i < 10_001; i++) tally.finding(hit('a', 'flag'), 'p', i)
  tally.finding(hit('b', 'block'), 'p', 0)
  const { decision, findings, omitted } = tally.inspection(none)
  assert.deepEqual([decision, findings.length, omitted], ['block', 10_000, 2])
})

test('a failure does what its rule says', () => {
  const failing = (onError: 'block' | 'allow', mode: 'enforce' | 'observe') => {
    const tally = new Tally('request')
    tally.failure(bound(detector(keyRule), 'flag', { name: 'n', onError }), 'why', mode)
    const { decision, rule, failed } = tally.inspection(none)
    return [decision, rule, failed]
  }
  assert.deepEqual(failing('block', 'enforce'), ['block', 'n', { hook: 'test', cause: 'why' }])
  assert.deepEqual(failing('block', 'observe'), ['flag', 'n', null])
  assert.deepEqual(failing('allow', 'enforce'), ['allow', null, null])
})

test('a signed text is told once for each rule and place', () => {
  const tally = new Tally('request')
  for (const [rule, place] of [
    ['a', 'x'],
    ['a', 'x'],
    ['a', 'y'],
    ['b', 'x'],
  ] as const)
    tally.sealed(rule, place)
  assert.equal(tally.findings.length, 3)
})

test('runs are recorded in microseconds', () => {
  const tally = new Tally('response')
  tally.ran(bound(detector(keyRule), 'flag', { name: 'n' }), 'flag', 12_600n)
  assert.deepEqual(tally.hooks, [{ hook: 'test', rule: 'n', stage: 'response', verdict: 'flag', microseconds: 13 }])
})

import assert from 'node:assert/strict'
import test from 'node:test'
import { runJudge } from '../../src/inspect/judge.ts'
import type { Judge } from '../../src/inspect/hook.ts'
import { bound, detector, facts, judge, keyRule, textPart } from '../support/inspection.ts'

const input = { stage: 'request', parts: [textPart('abc')], bodyBytes: 3, facts } as const
const how = { now: () => 0n, signal: new AbortController().signal }
const finding = { type: 'T', rule: 'r', start: 0, end: 3, confidence: 1, severity: 'low', part: 0 } as const
const asked = (inspect: Judge, signal = how.signal, timeoutMs = 20) =>
  runJudge(bound(judge(inspect), 'flag', { timeoutMs }), input, { ...how, signal })

test('what a judge says is its judgement, at once or later', async () => {
  const judgement = { verdict: 'block', findings: [finding] } as const
  assert.deepEqual(await asked(() => judgement), { kind: 'judged', judgement, nanoseconds: 0n })
  assert.deepEqual(await asked(async () => judgement), { kind: 'judged', judgement, nanoseconds: 0n })
})

test('a judge that throws or rejects has failed', async () => {
  const cause = new Error('broken')
  const thrown = await asked(() => {
    throw cause
  })
  assert.deepEqual(thrown, { kind: 'failed', cause, nanoseconds: 0n })
  assert.deepEqual(await asked(() => Promise.reject(cause)), thrown)
})

test('a judge that heeds nothing is abandoned when its time is over, and hears of it', async () => {
  let heard: AbortSignal | undefined
  const run = await asked((_, signal) => {
    heard = signal
    return new Promise(() => {})
  })
  assert.ok(run.kind === 'failed' && /longer than 20 ms/.test(String(run.cause)))
  assert.equal(heard?.aborted, true)
})

test('a judge is abandoned when the exchange is', async () => {
  const gone = new AbortController()
  const run = asked(() => new Promise(() => {}), gone.signal, 60_000)
  gone.abort(new Error('client gone'))
  const outcome = await run
  assert.ok(outcome.kind === 'failed' && /client gone/.test(String(outcome.cause)))
  const before = await asked(() => assert.fail('must not be asked'), gone.signal)
  assert.ok(before.kind === 'failed' && /client gone/.test(String(before.cause)))
})

for (const [what, wrong] of Object.entries({
  'in no part': { part: 1 },
  'beyond the end': { end: 4 },
  'before the beginning': { start: -1 },
  backwards: { start: 2, end: 1 },
})) {
  test(`a finding ${what} is a failure`, async () => {
    const run = await asked(() => ({ findings: [{ ...finding, ...wrong }] }))
    assert.equal(run.kind, 'failed')
  })
}

test('a detector is no judge', async () => {
  const run = await runJudge(bound(detector(keyRule), 'flag'), input, how)
  assert.equal(run.kind, 'failed')
})

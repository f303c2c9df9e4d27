import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Action } from '../../src/core/verdict.ts'
import type { Inspection } from '../../src/inspect/binding.ts'
import { factsOf, note, startTrace } from '../../src/engine/trace.ts'
import { chatRequest, client, startEngine } from '../support/engine.ts'

const engine = startEngine()

function inspection(decision: Action, rule: string, failed: Inspection['failed'] = null): Inspection {
  const hooks = [
    { hook: 'keywords', rule, stage: 'request', verdict: failed ? 'error' : decision, microseconds: 5 },
  ] as const
  return {
    decision,
    rule,
    hooks: [...hooks],
    failed,
    findings: [],
    omitted: 0,
    edits: [],
    storeEdits: [],
    found: [],
    restored: 0,
    unrestored: 0,
    retryAfterSeconds: null,
  }
}

test('policy rules match on what is known of the exchange', async () => {
  const rooms = await engine.rooms()
  const { exchange } = client({ principal: 'ada', query: '?key=1', body: chatRequest('hi') })
  const trace = startTrace(rooms, exchange)
  trace.request = { ...trace.request, model: 'gpt-5.1' }
  assert.deepEqual(factsOf(trace), {
    door: 'proxy',
    clientIp: '127.0.0.1',
    principal: 'ada',
    host: 'api.openai.com',
    port: '443',
    path: '/v1/chat/completions',
    method: 'POST',
    provider: 'openai',
    operation: 'chat',
    model: 'gpt-5.1',
  })
})

test('the strictest decision of all stages stands, with the rule that made it first', async () => {
  const rooms = await engine.rooms()
  const trace = startTrace(rooms, client().exchange)
  const steps: [Action, string, Action, string][] = [
    ['flag', 'a', 'flag', 'a'],
    ['flag', 'b', 'flag', 'a'],
    ['redact', 'c', 'redact', 'c'],
    ['allow', 'd', 'redact', 'c'],
    ['block', 'e', 'block', 'e'],
  ]
  for (const [decision, rule, stands, by] of steps) {
    note(rooms, trace, inspection(decision, rule))
    assert.deepEqual([trace.decision, trace.rule], [stands, by])
  }
  assert.equal(trace.hooks.length, steps.length)
})

test('an error stands, whatever is found after it', async () => {
  const rooms = await engine.rooms()
  const trace = startTrace(rooms, client().exchange)
  trace.decision = 'error'
  note(rooms, trace, inspection('block', 'late'))
  assert.equal(trace.decision, 'error')
})

test('a hook that failed is logged and counted', async () => {
  const rooms = await engine.rooms()
  const { exchange } = client()
  engine.logged.length = 0
  note(rooms, startTrace(rooms, exchange), inspection('block', 'r', { hook: 'keywords', cause: new Error('down') }))
  assert.partialDeepStrictEqual(engine.logged, [
    { level: 'warn', message: 'hook failed', fields: { exchange: exchange.id, hook: 'keywords' } },
  ])
  assert.match(await rooms.metrics.registry.metrics(), /sallyport_hook_errors_total\{hook="keywords"\} 1\n/)
})

test('an exchange keeps the policy it began with', async () => {
  const [before, later] = [await engine.rooms(), await engine.rooms('mode: observe')]
  let current = before.policy()
  const trace = startTrace({ ...before, policy: () => current }, client().exchange)
  current = later.policy()
  assert.equal(trace.policy.mode, 'enforce')
})

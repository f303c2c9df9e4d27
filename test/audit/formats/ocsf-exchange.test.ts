import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiActivity, detectionFinding } from '../../../src/audit/formats/ocsf-exchange.ts'
import type { LedgerRow } from '../../../src/audit/find/presented.ts'
import { context, fullRow } from '../../support/full-rows.ts'

const out = (row: LedgerRow) => ({ table: 'exchanges' as const, row, block: 1 })

test('the method says what was done', () => {
  const cases = [
    ['POST', 1, 'Create'],
    ['GET', 2, 'Read'],
    ['HEAD', 2, 'Read'],
    ['PUT', 3, 'Update'],
    ['PATCH', 3, 'Update'],
    ['DELETE', 4, 'Delete'],
    ['REPORT', 99, 'REPORT'],
    ['constructor', 99, 'constructor'],
  ] as const
  for (const [method, id, name] of cases) {
    const event = apiActivity(out({ method }), context)
    assert.deepEqual([event.activity_id, event.activity_name], [id, name])
    const request = event.http_request as { http_method?: string }
    assert.equal(request.http_method, id === 99 ? undefined : method)
  }
})

test('tokens are summed as the schema counts them, and stay apart in unmapped', () => {
  const event = apiActivity(out({ input_tokens: 1, cached_tokens: 2, output_tokens: 4, reasoning_tokens: 8 }), context)
  assert.deepEqual(event.message_context, {
    service: { name: 'unknown' },
    prompt_tokens: 3,
    completion_tokens: 12,
    total_tokens: 15,
  })
  assert.equal((event.unmapped as LedgerRow).cached_tokens, 2)
  assert.equal(apiActivity(out({}), context).message_context, undefined)
})

test('a finding names its exchange, its rules and types, and has no text', () => {
  const one = { type: 'EMAIL', rule: 'email', action: 'flag', severity: 'low', confidence: 0.4 }
  const two = { type: 'SECRET:a', rule: 'a', action: 'redact', severity: 'high', confidence: 0.7 }
  const event = detectionFinding(
    out({ id: 'i', method: 'POST', decision: 'redact', findings: [one, two, one] }),
    context,
  )
  assert.deepEqual(event.finding_info, {
    uid: 'i:finding',
    title: 'Found in an LLM exchange: EMAIL, SECRET:a',
    types: ['EMAIL', 'SECRET:a'],
    created_time: 0,
    data_sources: ['exchanges'],
    analytic: { name: 'email', uid: 'email', type_id: 1, type: 'Rule' },
    related_analytics: [{ name: 'a', uid: 'a', type_id: 1, type: 'Rule' }],
    related_events: [{ uid: 'i', type_uid: 600_301, severity_id: 4 }],
    related_events_count: 1,
  })
  assert.deepEqual([event.confidence_id, event.confidence_score], [2, 70])
})

test('many types do not make a long title', () => {
  const findings = Array.from({ length: 9 }, (_, i) => ({ type: `T${i}`, severity: 'low' }))
  const { message } = detectionFinding(out({ findings }), context)
  assert.equal(message, 'Found in an LLM exchange: T0, T1, T2, T3, T4 and 4 more')
})

test('what was blocked, or weighs much, is an alert', () => {
  assert.equal(apiActivity(out({ decision: 'block' }), context).is_alert, true)
  assert.equal(apiActivity(out({ decision: 'allow' }), context).is_alert, false)
  assert.equal(apiActivity(fullRow('exchanges'), context).is_alert, true)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ecsFields } from '../../../src/audit/formats/ecs-fields.ts'

test('durations are in nanoseconds, and the end follows from them', () => {
  const { event } = ecsFields.exchanges({ at: '2026-11-20T19:41:55.727Z', duration_ms: 634.211 })
  assert.equal(event.duration, 634_211_000)
  assert.equal(event.start, '2026-11-20T19:41:55.727Z')
  assert.equal(event.end, '2026-11-20T19:41:56.361Z')
  assert.equal(ecsFields.exchanges({ at: '2026-11-20T19:41:55.727Z' }).event.end, undefined)
})

test('all tokens that went in are input, all that came out output', () => {
  const { gen_ai: generative } = ecsFields.exchanges({ input_tokens: 1, cache_write_tokens: 2, output_tokens: 4 })
  assert.deepEqual((generative as { usage: unknown }).usage, { input_tokens: 3, output_tokens: 4 })
})

test('the path is taken apart at its first question mark', () => {
  const url = (path: string) => ecsFields.exchanges({ path }).url as Record<string, unknown>
  assert.deepEqual([url('/a?b=1?2').path, url('/a?b=1?2').query, url('/a?b=1?2').original], ['/a', 'b=1?2', '/a?b=1?2'])
  assert.deepEqual([url('/a').path, url('/a').query], ['/a', undefined])
})

test('a host that is an address is one', () => {
  assert.deepEqual(ecsFields.connections({ host: '2001:db8::1', port: 1 }).server, {
    address: '2001:db8::1',
    ip: '2001:db8::1',
    port: 1,
  })
})

test('acts have the category of what they are about', () => {
  const cases = {
    'program.start': [['process'], ['start']],
    'program.stop': [['process'], ['end']],
    'key.create': [['iam'], ['creation']],
    'key.revoke': [['iam'], ['change']],
    'policy.reload': [['configuration'], ['change']],
    'retention.purge': [['configuration'], ['deletion']],
  }
  for (const [what, [category, type]] of Object.entries(cases)) {
    const { event } = ecsFields.events({ what })
    assert.deepEqual([event.category, event.type], [category, type], what)
  }
})

test('JSON of any shape is text', () => {
  assert.equal(ecsFields.events({ after: { deep: { er: [1] } } }).sallyport.after, '{"deep":{"er":[1]}}')
  assert.equal(ecsFields.events({ after: null }).sallyport.after, undefined)
})

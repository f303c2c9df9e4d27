import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noAnswerFacts } from '../../src/core/chat.ts'

test('an answer that tells nothing has no counts at all, not counts of zero', () => {
  assert.deepEqual(noAnswerFacts, { model: null, usage: {}, finishReason: null, upstreamId: null, toolCalls: [] })
})

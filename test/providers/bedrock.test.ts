import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bedrock } from '../../src/providers/bedrock.ts'
import { aboutOf } from './samples/sample.ts'

test('a request is read string by string; model and stream are in the path', () => {
  const body = JSON.stringify({
    messages: [{ role: 'user', content: [{ text: 'a b' }] }],
    toolConfig: { tools: [{ toolSpec: { name: 'f' } }] },
  })
  const { facts, parts } = bedrock.readRequest(
    body,
    aboutOf('converse', '/model/anthropic.claude-v1%3A0/converse-stream'),
  )
  assert.deepEqual(facts, { model: 'anthropic.claude-v1:0', stream: true, messages: 1, tools: ['f'] })
  assert.ok(parts.some((part) => part.text === 'a b'))
})

test('its binary event streams cannot be read event by event', () => {
  const about = aboutOf('converse', '/model/m/converse-stream', 'application/vnd.amazon.eventstream')
  assert.equal(bedrock.reader(about), undefined)
})

test('a refusal is an exception of AWS, named in its header', () => {
  const refusal = { code: 'sallyport_blocked', status: 403, message: 'no' }
  assert.deepEqual(bedrock.refuse(refusal), {
    contentType: 'application/json',
    body: '{"message":"no"}',
    headers: ['x-amzn-errortype', 'AccessDeniedException'],
  })
  assert.deepEqual(bedrock.refuse({ ...refusal, status: 413 }).headers?.[1], 'ValidationException')
  assert.deepEqual(bedrock.refuse({ ...refusal, status: 502 }).headers?.[1], 'InternalServerException')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bedrock } from '../../src/providers/bedrock.ts'
import { openMessage } from '../../src/providers/event-stream.ts'
import { converse } from './samples/bedrock.ts'
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

test('a stream that is stopped ends with an exception message', () => {
  const about = aboutOf('converse', '/model/m/converse-stream', 'application/vnd.amazon.eventstream')
  const bytes = bedrock.refuseEvent({ code: 'sallyport_blocked', status: 403, message: 'no' }, about) as Uint8Array
  const { event, content } = openMessage(bytes)
  assert.deepEqual([event, Buffer.from(content).toString()], ['exception', '{"message":"no"}'])
  assert.ok(Buffer.from(bytes).includes('validationException'))
})

test('texts of a stream grow by content block, and those of a tool as JSON', () => {
  const channels: Record<string, string> = {}
  const reader = bedrock.reader(aboutOf('converse', '/model/m/converse-stream', converse.stream.contentType))
  for (const { parts } of reader?.push(converse.stream.bytes as Uint8Array) ?? [])
    for (const part of parts) channels[`${part.channel} ${part.fragment}`] = (channels[part.channel] ?? '') + part.text
  assert.deepEqual(Object.keys(channels), ['block:0:text text', 'block:1:input json'])
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

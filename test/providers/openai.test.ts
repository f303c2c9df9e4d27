import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openai } from '../../src/providers/openai.ts'
import { aboutOf, target } from './samples/sample.ts'

test('a refusal has the shape that OpenAI’s SDKs read', () => {
  const refusal = { code: 'sallyport_blocked', status: 403, message: 'blocked by rule "keys"' }
  const answer = openai.refuse(refusal)
  assert.equal(answer.contentType, 'application/json')
  assert.equal(
    answer.body,
    '{"error":{"message":"blocked by rule \\"keys\\"","type":"policy_violation","param":null,"code":"sallyport_blocked"}}',
  )
  assert.equal(openai.refuseEvent(refusal, aboutOf('chat', '/v1/chat/completions')), `data: ${answer.body}\n\n`)
})

test('errors of ours have the type of their status', () => {
  for (const [status, type] of [
    [400, 'invalid_request_error'],
    [413, 'policy_violation'],
    [429, 'rate_limit_error'],
    [502, 'server_error'],
    [504, 'server_error'],
  ] as const) {
    assert.equal(JSON.parse(openai.refuse({ code: 'x', status, message: 'm' }).body).error.type, type)
  }
})

test('operations are told by the end of the path', () => {
  const cases = [
    ['/v1/chat/completions', 'chat'],
    ['/v1/chat/completions/', 'chat'],
    ['/v1/fim/completions', 'completions'],
    ['/v1/responses/resp_1/input_items', 'responses'],
    ['/v1/images/edits', 'images'],
    ['/v1/uploads/u/parts', 'files'],
    ['/v1/batches/b', 'batches'],
    ['/v1/models/m', 'models'],
    ['/v1/assistants', undefined],
    ['/', undefined],
  ] as const
  for (const [path, operation] of cases) assert.equal(openai.operation(target(path), 'POST'), operation, path)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headTexts } from '../../src/providers/head-texts.ts'

const found = (path: string, query: string, headers: readonly string[] = []): [string, string][] =>
  headTexts({
    method: 'POST',
    target: { scheme: 'https', host: 'llm.example', port: 443, path, query },
    headers,
    version: '1.1',
  }).map((part) => {
    assert.ok(part.sealed === true && part.head === true)
    return [part.path, part.text]
  })

test('an ordinary request has no texts in its head', () => {
  const ordinary: [string, string][] = [
    ['/v1/chat/completions', ''],
    ['/v1beta/models/gemini-2.5-flash-preview-05-20:streamGenerateContent', '?alt=sse&key=AIzaNotForUs0123456789'],
    ['/model/us.anthropic.claude-3-5-sonnet-20241022-v2:0/converse-stream', ''],
    ['/openai/deployments/prod-4o/chat/completions', '?api-version=2024-10-21'],
    ['/v1/files/file-9vB2kQz7aXcD/content', '?X-Amz-Signature=0a1b2c3d4e5f&sig=abcdefghijkl%3D'],
    ['/', '?'],
  ]
  const headers = Object.entries({
    Host: 'llm.example',
    Authorization: 'Bearer sk-0a1b2c3d4e5f',
    'x-api-key': 'sk-ant-0a1b2c3d4e5f',
    'api-key': '0a1b2c3d4e5f',
    'X-Goog-Api-Key': 'AIza0a1b2c3d',
    Cookie: 'a=ann@corp.example',
    'X-My-Token': 'ann@corp.example',
    'Content-Type': 'application/json; charset=utf-8',
    'User-Agent': 'python/3.12 (ann@corp.example)',
    'X-Forwarded-For': '203.0.113.7',
    'anthropic-version': '2023-06-01',
    'Idempotency-Key': '0d1c6a8e-1b2c-4d3e-8f90-123456789abc',
    'X-Mode': 'fast',
  }).flat()
  for (const [path, query] of ordinary) assert.deepEqual(found(path, query, headers), [], path)
})

test('segments of the path, values of the query and fields of nobody are texts, decoded', () => {
  assert.deepEqual(
    found('/users/ann%40corp.example/+41446681800', '?q=a+b%40c.example&x=1&%40=0123456789', [
      'X-User',
      'ann@corp.example',
    ]),
    [
      ['path[1]', 'ann@corp.example'],
      ['path[2]', '+41446681800'],
      ['query.q', 'a b@c.example'],
      ['query.*', '0123456789'],
      ['header.x-user', 'ann@corp.example'],
    ],
  )
  assert.deepEqual(found('/a', '?ann@corp.example'), [['query.*', 'ann@corp.example']])
})

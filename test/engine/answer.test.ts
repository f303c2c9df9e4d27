import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCodes, SallyportError } from '../../src/core/errors.ts'
import type { RawHeaders, Target } from '../../src/core/http.ts'
import { headerOf } from '../../src/core/http.ts'
import { byPolicy, marked, refusal } from '../../src/engine/answer.ts'
import { identify } from '../../src/providers/identify.ts'
import { bytesOf, ok } from '../support/engine.ts'

function refused(error: SallyportError, host: string, path: string, headers: RawHeaders = []) {
  const target: Target = { scheme: 'https', host, port: 443, path, query: '' }
  return refusal(error, { identified: identify(target, 'POST'), target, exchange: 'x-1', headers })
}

const blocked = new SallyportError('sallyport_blocked', 'blocked by the policy rule "r"')

const dialects: [string, string, (body: Record<string, Record<string, unknown>>) => void][] = [
  ['api.openai.com', '/v1/chat/completions', ({ error }) => assert.equal(error?.['code'], 'sallyport_blocked')],
  [
    'api.anthropic.com',
    '/v1/messages',
    (body) => {
      assert.equal(body['type'], 'error')
      assert.ok(body['error']?.['type'])
    },
  ],
  [
    'generativelanguage.googleapis.com',
    '/v1beta/models/m:generateContent',
    ({ error }) => assert.equal(error?.['code'], 403),
  ],
]

for (const [host, path, fits] of dialects) {
  test(`a refusal speaks the dialect of ${host}, and names rule and exchange`, async () => {
    const { head, body } = refused(blocked, host, path)
    assert.deepEqual([head.status, head.reason], [403, 'Forbidden'])
    const bytes = await bytesOf(body)
    const content = JSON.parse(bytes.toString()) as Record<string, Record<string, unknown>>
    fits(content)
    assert.match(String(content['error']?.['message']), /blocked by the policy rule "r" \(exchange x-1\)/)
    assert.equal(headerOf(head.headers, 'content-length'), String(bytes.length))
    assert.equal(headerOf(head.headers, 'cache-control'), 'no-store')
    assert.equal(headerOf(head.headers, 'sallyport-exchange'), 'x-1')
  })
}

test('every code has its status; policy says it decided, everything else says what went wrong', () => {
  for (const [code, { status }] of Object.entries(errorCodes)) {
    const { head } = refused(new SallyportError(code as keyof typeof errorCodes, 'm'), 'api.openai.com', '/v1/models')
    assert.equal(head.status, status)
    const marks = [headerOf(head.headers, 'sallyport-decision'), headerOf(head.headers, 'sallyport-error')]
    assert.deepEqual(marks, byPolicy.has(code) ? ['block', undefined] : [undefined, code])
  }
})

test('marks stand after the headers of the origin, once', () => {
  const answer = ok()
  const once = marked(answer, { exchange: { id: 'x-2' }, decision: 'flag' })
  assert.deepEqual(once.head.headers, [
    ...answer.head.headers,
    'sallyport-exchange',
    'x-2',
    'sallyport-decision',
    'flag',
  ])
  assert.equal(once.body, answer.body)
  assert.equal(marked(once, { exchange: { id: 'x-2' }, decision: 'flag' }), once)
})

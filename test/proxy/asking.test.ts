import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer, Request } from '../../src/core/http.ts'
import { bytesBody, trailedBody } from '../../src/http/body.ts'
import { asking } from '../../src/proxy/asking.ts'
import { requestTo, textOf } from '../support/scripted-origin.ts'

const answer: Answer = { head: { status: 204, reason: '', headers: [], version: '1.1' }, body: null }
const fields = ['Host', 'a', 'Expect', '100-continue', 'Content-Length', '5']

type Sent = { readonly request: Request; readonly signal: AbortSignal; readonly text: Promise<string> }

/** An origin that reads every body at once, or answers before. */
function scene(request: Request, first?: Answer) {
  const sent: Sent[] = []
  const gone = new AbortController()
  const sending = { signal: gone.signal, inform: () => undefined }
  const one = asking(request as Parameters<typeof asking>[0], sending, async (next, { signal }) => {
    if (first !== undefined) return first
    const text = textOf(next.body)
    sent.push({ request: next, signal, text })
    await text
    return answer
  })
  return { ...one, sent, gone }
}

const held = (): Request => requestTo(80, { method: 'POST', headers: fields, body: 'hello' })

test('a body that nobody changed goes where its head went', async () => {
  const one = scene(held())
  assert.equal(await one.ask(), undefined)
  assert.equal(await one.forward(held()), answer)
  assert.equal(one.sent.length, 1)
  assert.equal(await one.sent[0]?.text, 'hello')
})

test('an answer instead of a wish for the body is the answer', async () => {
  assert.equal(await scene(held(), answer).ask(), answer)
})

const changes: [what: string, change: (request: Request) => Request][] = [
  ['another length', ({ head }) => ({ head, body: bytesBody(Buffer.from('changed')) })],
  [
    'other fields',
    ({ head, body }) => ({ head: { ...head, headers: [...head.headers, 'Content-Encoding', 'identity'] }, body }),
  ],
  ['no body', ({ head }) => ({ head, body: null })],
]

for (const [what, change] of changes) {
  test(`a request with ${what} goes anew without the expectation, and what waited is dropped`, async () => {
    const one = scene(held())
    await one.ask()
    assert.equal(await one.forward(change(held())), answer)
    assert.equal(one.sent.length, 2)
    assert.equal(one.sent[0]?.signal.aborted, true)
    assert.equal(one.sent[1]?.request.head.headers.includes('Expect'), false)
  })
}

test('a chunked body goes with its trailers, whatever length it has', async () => {
  const chunked = requestTo(80, {
    headers: ['Host', 'a', 'Transfer-Encoding', 'chunked'],
    body: trailedBody(Buffer.from('x'), []),
  })
  const one = scene(chunked)
  await one.ask()
  await one.forward({ head: chunked.head, body: trailedBody(Buffer.from('hello'), ['X-Sum', '5']) })
  assert.equal(await one.sent[0]?.text, 'hello')
  assert.deepEqual(one.sent[0]?.request.body?.trailers(), ['X-Sum', '5'])
})

test('who is not asked gets the request as it is; who is dropped, or left by the client, gets nothing', async () => {
  const unasked = scene(held())
  unasked.drop()
  assert.equal(await unasked.forward(held()), answer)
  for (const end of ['drop', 'leave'] as const) {
    const one = scene(held())
    await one.ask()
    if (end === 'drop') one.drop()
    else one.gone.abort()
    assert.equal(one.sent[0]?.signal.aborted, true)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '../../src/core/errors.ts'
import { run } from '../../src/engine/run.ts'
import { answerOf, bytesOf, chatRequest, client, ok, startEngine, wordRule } from '../support/engine.ts'

const engine = startEngine()

/** An exchange whose client holds its body back, and whose origin answers the question with this. */
async function ask(policy: string, body: string, said: () => ReturnType<typeof ok> | undefined, headers?: string[]) {
  const rooms = await engine.rooms(policy)
  const { exchange, received } = client({ body, ...(headers === undefined ? {} : { headers }) })
  const happened: string[] = []
  const before: unknown[] = []
  const asking = async () => {
    happened.push('asked')
    before.push((await engine.row(exchange.id))['state'])
    return said()
  }
  await run(rooms, { ...exchange, ask: asking }, async (request) => {
    happened.push(`sent ${(await bytesOf(request.body)).toString()}`)
    return ok()
  })
  return { happened, before, received: received(), row: await engine.row(exchange.id) }
}

test('the origin is asked before the body is read, with a row that holds the content in the end', async () => {
  const body = chatRequest('hello', { stream: true })
  const { happened, before, received, row } = await ask('', body, () => undefined)
  assert.deepEqual([happened, before, received?.status], [['asked', `sent ${body}`], ['open'], 200])
  assert.deepEqual(
    [row['state'], row['request_body'], row['request_bytes'], row['model'], row['stream']],
    ['done', body, body.length, 'gpt-5.1', 1],
  )
})

test('content that is too long for the row is kept all the same', async () => {
  const { row } = await ask('', chatRequest('hello '.repeat(5_000)), () => undefined)
  assert.notEqual(row['request_spill'], null)
  assert.notEqual(row['request_sha256'], null)
})

test('a final answer is the answer, and nothing is sent', async () => {
  const { happened, received, row } = await ask('', chatRequest('hello'), () => answerOf('no', undefined, 401))
  assert.deepEqual([happened, received?.status, received?.text], [['asked'], 401, 'no'])
  assert.deepEqual([row['state'], row['status'], row['request_body']], ['done', 401, null])
})

test('what policy finds in the body is blocked after the question', async () => {
  const { happened, received, row } = await ask(wordRule('block'), chatRequest('bluebird'), () => undefined)
  assert.deepEqual([happened, received?.status, row['decision']], [['asked'], 403, 'block'])
})

const unasked: [what: string, policy: string, headers: string[] | undefined, happened: RegExp][] = [
  [
    'is forbidden by its length',
    'rules: [{ name: small, on: request, hook: request-size, options: { maxBytes: 3 }, action: block }]',
    undefined,
    /^$/,
  ],
  [
    'is forbidden by its client',
    'rules: [{ name: not you, on: request, hook: ip-access, options: { deny: [127.0.0.0/8] }, action: block }]',
    undefined,
    /^$/,
  ],
  ['passes unread', '', ['content-type', 'audio/wav'], /^sent /],
]

for (const [what, policy, headers, expected] of unasked) {
  test(`nobody is asked about a body that ${what}`, async () => {
    const rooms = await engine.rooms(policy)
    const { exchange } = client({ body: 'RIFF', path: '/anything', ...(headers === undefined ? {} : { headers }) })
    const happened: string[] = []
    const asking = async (): Promise<undefined> => void happened.push('asked')
    await run(rooms, { ...exchange, ask: asking }, async () => {
      happened.push('sent ')
      return ok()
    })
    assert.match(happened.join(), expected)
  })
}

test('an origin that cannot be asked is told as one that cannot be reached', async () => {
  const { received, row } = await ask('', chatRequest('hello'), () => {
    throw new SallyportError('upstream_unreachable', 'nobody there')
  })
  assert.deepEqual([received?.status, row['error'], row['state']], [502, 'upstream_unreachable', 'done'])
})

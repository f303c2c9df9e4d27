import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { Body } from '../../src/core/http.ts'
import type { Exchange } from '../../src/engine/exchange.ts'
import { run } from '../../src/engine/run.ts'
import { madeBody } from '../../src/http/body.ts'
import { answerOf, bytesOf, chatRequest, chunksOf, client, ok, startEngine, wordRule } from '../support/engine.ts'
import type { Asked } from '../support/engine.ts'

const engine = startEngine()
const body = chatRequest('bluebird')
const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex')

/** An exchange whose door says this of its proof; what it was told of the body, and what was forwarded. */
async function attested(
  policy: string,
  asked: Asked,
  attest: NonNullable<Exchange['attest']>,
  answer = ok('the bluebird sings'),
) {
  const rooms = await engine.rooms(policy)
  const { exchange, received } = client(asked)
  let forwarded: Buffer | undefined
  await run(rooms, { ...exchange, attest }, async (request) => {
    forwarded = await bytesOf(request.body)
    return answer
  })
  return { rooms, row: await engine.row(exchange.id), forwarded, received: received() }
}

const proved: NonNullable<Exchange['attest']> = async () => ({ proved: true, record: '{"outcome":"valid"}' })
const refused: NonNullable<Exchange['attest']> = async () => ({ proved: false, record: '{"outcome":"expired"}' })

test('a request that proves to be inspected passes as it is, and so does its answer', async () => {
  const { row, forwarded, received, rooms } = await attested(wordRule('block'), { body }, proved)
  assert.equal(forwarded?.toString(), body)
  assert.match(received?.text ?? '', /bluebird/)
  assert.partialDeepStrictEqual(row, {
    decision: 'attested',
    state: 'done',
    status: 200,
    error: null,
    findings: '[]',
    hooks: '[]',
    attestation: '{"outcome":"valid"}',
    request_body: null,
    response_body: null,
    request_bytes: body.length,
  })
  assert.match(await rooms.metrics.registry.metrics(), /exchanges_total\{[^}]*decision="attested"[^}]*\} 1\n/)
})

test('one that does not is inspected as any other, and its row says why', async () => {
  const { row, forwarded, received } = await attested(wordRule('block'), { body }, refused)
  assert.equal(forwarded, undefined)
  assert.equal(received?.status, 403)
  assert.partialDeepStrictEqual(row, { decision: 'block', attestation: '{"outcome":"expired"}' })
})

test('a body that was read for its hash is inspected afterwards, with nothing of it missing or counted twice', async () => {
  for (const size of [10, 400_000]) {
    const content = 'x'.repeat(size)
    const { row, forwarded, rooms } = await attested(
      'oversize: allow',
      { body: chunked(content, size), headers: ['content-type', 'text/plain'] },
      async (hash) => {
        assert.equal(await hash(), sha256(content))
        assert.equal(await hash(), sha256(content))
        return { proved: false, record: null }
      },
    )
    assert.equal(forwarded?.toString(), content)
    assert.equal(row['request_bytes'], size)
    assert.equal(rooms.budget.used, 0)
  }
})

test('it is forwarded whole, with its trailers, where it is not inspected', async () => {
  const content = 'bluebird '.repeat(50_000)
  const rooms = await engine.rooms(wordRule('block'))
  const { exchange } = client({ body: chunked(content, content.length, ['x-sum', '1']) })
  const attest: typeof proved = async (hash) => {
    assert.equal(await hash(), sha256(content))
    return { proved: true, record: null }
  }
  let trailers: readonly string[] = []
  await run(rooms, { ...exchange, attest }, async ({ body: sent }) => {
    assert.equal(sent?.length, content.length)
    assert.equal((await bytesOf(sent)).toString(), content)
    trailers = sent?.trailers() ?? []
    return ok()
  })
  assert.deepEqual(trailers, ['x-sum', '1'])
  assert.equal((await engine.row(exchange.id))['decision'], 'attested')
  assert.equal(rooms.budget.used, 0)
})

const ofNothing: readonly [what: string, body: Body | null][] = [
  ['a request without a body', null],
  ['one of an unknown length', chunked('bluebird', undefined)],
  ['one over 8 MiB', chunked('', 8_388_609)],
]
for (const [what, sent] of ofNothing) {
  test(`the hash of ${what} is that of no bytes, and the body is left unread`, async () => {
    await attested(
      '',
      { body: sent },
      async (hash) => {
        assert.equal(await hash(), sha256(''))
        return { proved: true, record: null }
      },
      answerOf(null),
    )
  })
}

test('rules that look at no text are asked all the same', async () => {
  const address = 'rules: [{ name: not from here, hook: ip-access, options: { deny: ["127.0.0.0/8"] } }]'
  const { row, forwarded } = await attested(address, { body }, proved)
  assert.equal(forwarded, undefined)
  assert.partialDeepStrictEqual(row, { decision: 'block', rule: 'not from here' })
  const limited = await attested(
    'rules: [{ name: seldom, on: request, hook: rate-limit, options: { max: 1 }, action: flag }]',
    { body },
    proved,
  )
  assert.equal(limited.row['decision'], 'attested')
  assert.match(String(limited.row['hooks']), /rate-limit/)
})

test('a body that breaks off while its hash is made ends the exchange, whatever the door makes of that', async () => {
  const broken = madeBody(
    (async function* () {
      yield Buffer.from('blue')
      throw new Error('broken off')
    })(),
    100,
  )
  const { row, forwarded } = await attested('', { body: broken }, async (hash) => {
    await hash().catch(() => undefined)
    return { proved: true, record: null }
  })
  assert.equal(forwarded, undefined)
  assert.equal(row['decision'], 'error')
})

function chunked(content: string, length: number | undefined, trailers: readonly string[] = []): Body {
  const bytes = Buffer.from(content)
  const half = Math.ceil(bytes.length / 2)
  return madeBody(chunksOf([bytes.subarray(0, half), bytes.subarray(half)]), length, () => trailers)
}

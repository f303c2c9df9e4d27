import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { test } from 'node:test'
import { SallyportError } from '../../src/core/errors.ts'
import type { Rooms } from '../../src/engine/exchange.ts'
import { runMessages } from '../../src/engine/messages.ts'
import { closePayload } from '../../src/http/websocket-close.ts'
import { opcodes, readFrame, writeFrame } from '../../src/http/websocket-frame.ts'
import type { Frame } from '../../src/http/websocket-frame.ts'
import { answerOf, client, startEngine, wordRule } from '../support/engine.ts'
import type { Asked } from '../support/engine.ts'

const engine = startEngine()
const realtime: Asked = { method: 'GET', path: '/v1/realtime', headers: ['Upgrade', 'websocket'] }

/** One end of a conversation, frame by frame; undefined when it has ended. */
function end(socket: Duplex, masked: boolean) {
  let rest: Buffer = Buffer.alloc(0)
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  return {
    say: (opcode: number, content: string | Buffer) =>
      socket.write(writeFrame(opcode, Buffer.from(content), masked ? { key: randomBytes(4) } : {})),
    hangUp: () => socket.end(writeFrame(opcodes.close, closePayload(1000, ''), masked ? { key: randomBytes(4) } : {})),
    vanish: () => socket.destroy(),
    async hear(): Promise<Frame | undefined> {
      for (;;) {
        const read = readFrame(rest, 1_000_000)
        if (read.kind === 'frame') {
          rest = rest.subarray(read.frame.raw.length)
          return read.frame
        }
        const next = await chunks.next()
        if (next.done === true) return undefined
        rest = Buffer.concat([rest, next.value])
      }
    },
  }
}

/** Sockets, as a blocked conversation is closed while its last words are on their way. */
async function pair(): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const near = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true })
  const [far] = (await once(server, 'connection')) as [Socket]
  server.close()
  return [near, far]
}

/** A conversation that has begun; what an end says goes through the rooms to the other. */
async function conversation(rooms: Rooms, early: { client?: Buffer; origin?: Buffer } = {}) {
  const [near, clientSide] = await pair()
  const [originSide, far] = await pair()
  const { exchange } = client(realtime)
  const over = runMessages(
    rooms,
    exchange,
    async () => ({
      kind: 'upgraded',
      version: '1.1',
      headers: [],
      socket: originSide,
      head: early.origin ?? Buffer.alloc(0),
      silenceMs: 60_000,
    }),
    () => ({ socket: clientSide, head: early.client ?? Buffer.alloc(0) }),
  )
  return { id: exchange.id, over, client: end(near, true), origin: end(far, false) }
}

const heard = (frame: Frame | undefined): string => String(frame?.payload)
const event = (text: string): string => JSON.stringify({ type: 'session.update', session: { instructions: text } })
const told = (text: string): string => JSON.stringify({ type: 'response.output_text.done', text })

test('messages pass both ways, and the record has them and how it ended', async () => {
  const { id, over, client, origin } = await conversation(await engine.rooms(wordRule('redact')))
  client.say(opcodes.text, event('hello'))
  assert.equal(heard(await origin.hear()), event('hello'))
  origin.say(opcodes.text, told('hello yourself'))
  assert.equal(heard(await client.hear()), told('hello yourself'))
  client.hangUp()
  origin.hangUp()
  await over
  assert.partialDeepStrictEqual(await engine.row(id), {
    state: 'done',
    status: 101,
    decision: 'allow',
    request_bytes: event('hello').length,
    response_bytes: told('hello yourself').length,
    request_body: `${event('hello')}\n`,
    response_body: `${told('hello yourself')}\n`,
  })
})

test('what is found in a message is replaced before it leaves, on either way, and never stored', async () => {
  const { id, over, client, origin } = await conversation(await engine.rooms(wordRule('redact')))
  client.say(opcodes.text, event('a bluebird'))
  assert.equal(heard(await origin.hear()), event('a [REDACTED:KEYWORD:project]'))
  origin.say(opcodes.text, told('no bluebird'))
  assert.equal(heard(await client.hear()), told('no [REDACTED:KEYWORD:project]'))
  client.hangUp()
  origin.hangUp()
  await over
  const row = await engine.row(id)
  assert.equal(row['decision'], 'redact')
  assert.doesNotMatch(JSON.stringify(row), /bluebird/)
})

test('a placeholder that the origin repeats is put back for the client', async () => {
  const { over, client, origin } = await conversation(await engine.rooms(wordRule('tokenize', 'request')))
  client.say(opcodes.text, event('a bluebird'))
  const placeholder = /QX_KEYWORD_[0-9a-z]{14}/.exec(heard(await origin.hear()))?.[0] ?? ''
  origin.say(opcodes.text, told(`I saw ${placeholder}`))
  assert.equal(heard(await client.hear()), told('I saw bluebird'))
  client.hangUp()
  origin.hangUp()
  await over
})

test('a placeholder that comes in two messages is put back, and a Close waits for it', async () => {
  const { over, client, origin } = await conversation(await engine.rooms(wordRule('tokenize', 'request')))
  client.say(opcodes.text, event('a bluebird'))
  const placeholder = /QX_KEYWORD_[0-9a-z]{14}/.exec(heard(await origin.hear()))?.[0] ?? ''
  for (const delta of [placeholder.slice(0, 9), placeholder.slice(9), 's', ' Q'])
    origin.say(opcodes.text, JSON.stringify({ type: 'response.output_text.delta', delta }))
  origin.hangUp()
  const texts: string[] = []
  for (let i = 0; i < 4; i++) texts.push((JSON.parse(heard(await client.hear())) as { delta: string }).delta)
  assert.equal(texts.join(''), 'bluebirds Q')
  assert.equal((await client.hear())?.opcode, opcodes.close)
  client.hangUp()
  await over
})

test('a blocked message ends the conversation with 1008, and the origin never has it', async () => {
  const { id, over, client, origin } = await conversation(await engine.rooms(wordRule('block', 'request')))
  client.say(opcodes.text, event('a bluebird'))
  const closed = await client.hear()
  assert.equal(closed?.opcode, opcodes.close)
  assert.deepEqual(closed.payload, closePayload(1008, 'blocked by the policy rule "our project"'))
  // Its end may come as a close or as a broken connection, but without the message.
  const last = await origin.hear().catch(() => undefined)
  assert.notEqual(last?.opcode, opcodes.text)
  client.hangUp()
  origin.hangUp()
  await over
  const row = await engine.row(id)
  assert.deepEqual([row['decision'], row['rule']], ['block', 'our project'])
  assert.doesNotMatch(JSON.stringify(row), /bluebird/)
})

test('what the sockets had read with the handshake comes first', async () => {
  const early = {
    client: writeFrame(opcodes.text, Buffer.from(event('first')), { key: randomBytes(4) }),
    origin: writeFrame(opcodes.text, Buffer.from(told('welcome')), {}),
  }
  const { over, client, origin } = await conversation(await engine.rooms(), early)
  client.say(opcodes.text, event('second'))
  assert.equal(heard(await origin.hear()), event('first'))
  assert.equal(heard(await origin.hear()), event('second'))
  assert.equal(heard(await client.hear()), told('welcome'))
  client.hangUp()
  origin.hangUp()
  await over
})

test('a binary message of text is inspected, and sent on as binary', async () => {
  const { id, over, client, origin } = await conversation(await engine.rooms(wordRule('redact', 'request')))
  client.say(opcodes.binary, event('a bluebird'))
  const frame = await origin.hear()
  assert.deepEqual([frame?.opcode, heard(frame)], [opcodes.binary, event('a [REDACTED:KEYWORD:project]')])
  client.hangUp()
  origin.hangUp()
  await over
  const row = await engine.row(id)
  assert.deepEqual([row['decision'], row['error']], ['redact', null])
})

test('other binary messages pass unread, and the record says so', async () => {
  const { id, over, client, origin } = await conversation(await engine.rooms(wordRule('block')))
  client.say(opcodes.binary, Buffer.from('bluebird\0'))
  assert.equal(heard(await origin.hear()), 'bluebird\0')
  client.hangUp()
  origin.hangUp()
  await over
  assert.equal((await engine.row(id))['error'], 'not_inspected: binary message')
})

test('an origin that answers instead of upgrading is answered to the client, inspected', async () => {
  const rooms = await engine.rooms(wordRule('redact'))
  const { exchange, received } = client(realtime)
  const answer = answerOf('{"error":{"message":"no bluebird"}}', undefined, 401)
  await runMessages(
    rooms,
    exchange,
    async () => ({ kind: 'answered', answer }),
    () => assert.fail('nothing was upgraded'),
  )
  assert.deepEqual(
    [received()?.status, received()?.text],
    [401, '{"error":{"message":"no [REDACTED:KEYWORD:project]"}}'],
  )
  assert.partialDeepStrictEqual(await engine.row(exchange.id), { state: 'done', status: 401 })
})

test('an origin that cannot be reached is answered and recorded', async () => {
  const rooms = await engine.rooms()
  const { exchange, received } = client(realtime)
  await runMessages(
    rooms,
    exchange,
    () => Promise.reject(new SallyportError('upstream_unreachable', 'no route')),
    () => assert.fail('nothing was upgraded'),
  )
  assert.equal(received()?.status, 502)
  assert.partialDeepStrictEqual(await engine.row(exchange.id), { error: 'upstream_unreachable', decision: 'error' })
})

for (const [side, error] of [
  ['client', 'client_aborted'],
  ['origin', 'upstream_closed'],
] as const) {
  test(`the ${side} that goes without a Close leaves a row that says so`, async () => {
    const { id, over, ...ends } = await conversation(await engine.rooms())
    ends[side].vanish()
    await over
    const row = await engine.row(id)
    assert.deepEqual([row['state'], row['error'], row['status']], ['aborted', error, 101])
  })
}

test('a ping carries nothing out: its text is inspected, replaced and put back', async () => {
  const { id, over, client, origin } = await conversation(await engine.rooms(wordRule('tokenize', 'request')))
  client.say(opcodes.ping, 'a bluebird')
  const ping = await origin.hear()
  assert.equal(ping?.opcode, opcodes.ping)
  assert.match(heard(ping), /^a QX_KEYWORD_[0-9a-z]{14}$/)
  origin.say(opcodes.pong, heard(ping))
  assert.equal(heard(await client.hear()), 'a bluebird')
  client.hangUp()
  origin.hangUp()
  await over
  assert.deepEqual((await engine.row(id))['decision'], 'tokenize')
})

test('a close reason is inspected, and its code stays', async () => {
  const { over, client, origin } = await conversation(await engine.rooms(wordRule('redact', 'request')))
  client.say(opcodes.close, closePayload(4001, 'bluebird'))
  const close = await origin.hear()
  assert.deepEqual(close?.payload, closePayload(4001, '[REDACTED:KEYWORD:project]'))
  client.hangUp()
  origin.hangUp()
  await over
})

test('what does not fit a control frame any more ends the conversation', async () => {
  const { over, client, origin } = await conversation(await engine.rooms(wordRule('redact', 'request')))
  client.say(opcodes.ping, `bluebird ${'x'.repeat(110)}`)
  assert.equal((await client.hear())?.payload.readUInt16BE(0), 1008)
  client.hangUp()
  origin.hangUp()
  await over
})

const large = JSON.stringify({ text: 'x'.repeat(150_000) })
test('a message over the limit ends the conversation with 1009 where policy blocks, and the record says so', async () => {
  const { id, over, client, origin } = await conversation(await engine.rooms('oversize: block'))
  client.say(opcodes.text, large)
  assert.equal((await client.hear())?.payload.readUInt16BE(0), 1009)
  assert.equal((await origin.hear())?.opcode, opcodes.close)
  client.hangUp()
  origin.hangUp()
  await over
  const row = await engine.row(id)
  assert.deepEqual([row['decision'], row['error'], row['state']], ['block', 'sallyport_too_large', 'done'])
})

test('a message over the limit passes unread where policy allows it, and the record says so', async () => {
  const { id, over, client, origin } = await conversation(await engine.rooms('oversize: allow'))
  client.say(opcodes.text, large)
  assert.equal(heard(await origin.hear()), large)
  client.hangUp()
  origin.hangUp()
  await over
  const row = await engine.row(id)
  assert.deepEqual(
    [row['decision'], row['error'], row['request_bytes']],
    ['allow', 'not_inspected: oversize message', large.length],
  )
})

const handshakes: [what: string, offer: string, answer: string, policy: string, expected: string | number][] = [
  ['an unknown extension where policy blocks', 'x-mux', 'x-mux', 'unreadable: block', 502],
  ['an unknown extension where policy allows', 'x-mux', 'x-mux', 'unreadable: allow', 'WebSocket extension x-mux'],
  ['an extension that was not offered', 'permessage-deflate', 'x-mux', 'unreadable: allow', 502],
  ['permessage-deflate that was not offered', '', 'permessage-deflate', 'unreadable: allow', 502],
]
for (const [what, offer, answer, policy, expected] of handshakes) {
  test(`an origin that answers with ${what} ${expected === 502 ? 'is refused' : 'is passed raw'}`, async () => {
    const rooms = await engine.rooms(policy)
    const [near, clientSide] = await pair()
    const [originSide, far] = await pair()
    const headers = [...(realtime.headers ?? []), ...(offer === '' ? [] : ['Sec-WebSocket-Extensions', offer])]
    const { exchange, received } = client({ ...realtime, headers })
    const over = runMessages(
      rooms,
      exchange,
      async () => ({
        kind: 'upgraded',
        version: '1.1',
        headers: ['Sec-WebSocket-Extensions', answer],
        socket: originSide,
        head: Buffer.alloc(0),
        silenceMs: 60_000,
      }),
      () => ({ socket: clientSide, head: Buffer.alloc(0) }),
    )
    if (expected === 502) {
      await over
      assert.equal(received()?.status, 502)
      assert.equal((await engine.row(exchange.id))['error'], 'upstream_invalid')
      if (!far.destroyed) await once(far.resume(), 'close')
    } else {
      near.end('\x7fnot a frame')
      assert.equal(String((await once(far, 'data'))[0]), '\x7fnot a frame')
      far.end()
      await over
      assert.equal((await engine.row(exchange.id))['error'], `not_inspected: ${expected}`)
    }
    near.destroy()
    far.destroy()
  })
}

test('the model is learnt from the target, or from the first event, and rules go by it', async () => {
  const policy = `rules:
  - { name: model, on: request, when: { model: ['live-*'] }, hook: keywords, options: { words: [bluebird], name: project }, action: block }`
  const { id, over, client, origin } = await conversation(await engine.rooms(policy))
  client.say(opcodes.text, '{"setup":{"model":"models/live-2"}}')
  await origin.hear()
  client.say(opcodes.text, '{"clientContent":"bluebird"}')
  assert.equal((await client.hear())?.payload.readUInt16BE(0), 1008)
  client.hangUp()
  origin.hangUp()
  await over
  assert.deepEqual((await engine.row(id))['model'], 'live-2')
})

test('a conversation of many messages has a record of bounded size', async () => {
  const { id, over, client, origin } = await conversation(await engine.rooms(wordRule('redact', 'request')))
  for (let i = 0; i < 1_500; i += 1) client.say(opcodes.text, '"bluebird"')
  for (let i = 0; i < 1_500; i += 1) await origin.hear()
  client.hangUp()
  origin.hangUp()
  await over
  const row = await engine.row(id)
  assert.equal((JSON.parse(String(row['findings'])) as unknown[]).length, 1_000)
  assert.ok((JSON.parse(String(row['hooks'])) as unknown[]).length <= 256)
})

test('a message that cannot be judged is not passed on, and the log has the cause', async () => {
  const good = await engine.rooms()
  let handshakes = 0
  const vault: Rooms['vault'] = (tenant) => ((handshakes += 1) === 1 ? good.vault(tenant) : assert.fail('no vault'))
  const rooms = { ...good, vault }
  const { id, over, client, origin } = await conversation(rooms)
  client.say(opcodes.text, event('hello'))
  assert.equal((await client.hear())?.payload.readUInt16BE(0), 1011)
  assert.equal((await origin.hear())?.opcode, opcodes.close)
  client.hangUp()
  origin.hangUp()
  await over
  assert.deepEqual([(await engine.row(id))['error'], (await engine.row(id))['state']], ['internal_error', 'aborted'])
  assert.ok(
    engine.logged.some(({ message, fields }) => message === 'exchange failed' && JSON.stringify(fields).includes(id)),
  )
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { deflateRawSync, inflateRawSync, constants } from 'node:zlib'
import type { RawHeaders } from '../../src/core/http.ts'
import { closePayload, opcodes, readFrame, writeFrame, type Frame } from '../../src/http/websocket-frame.ts'
import { negotiated, relayMessages, type Judge } from '../../src/http/websocket.ts'

/** One end of a conversation, frame by frame. */
type End = {
  readonly socket: Socket
  readonly send: (bytes: Uint8Array) => void
  readonly frame: () => Promise<Frame | undefined>
}

async function pair(): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const near = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true })
  const [far] = (await once(server, 'connection')) as [Socket]
  if (near.connecting) await once(near, 'connect')
  server.close()
  return [near, far]
}

function end(socket: Socket): End {
  let rest: Buffer = Buffer.alloc(0)
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    async frame() {
      for (;;) {
        const read = readFrame(rest, 10_000_000)
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

async function relayed(judge: Judge, options: { extensions?: RawHeaders; limit?: number } = {}) {
  const [[client, left], [right, origin]] = [await pair(), await pair()]
  const outcome = relayMessages(left, right, judge, {
    extensions: options.extensions ?? [],
    limit: options.limit ?? 100_000,
  })
  return {
    client: end(client),
    origin: end(origin),
    outcome,
    [Symbol.asyncDispose]: async () => {
      client.destroy()
      origin.destroy()
    },
  }
}

const pass: Judge = async () => ({ kind: 'pass' })
const key = Buffer.from([1, 2, 3, 4])
const up = (text: string, opcode: number = opcodes.text): Buffer => writeFrame(opcode, Buffer.from(text), { key })
const down = (text: string, opcode: number = opcodes.text): Buffer => writeFrame(opcode, Buffer.from(text), {})
/** A frame that is not the last of its message. */
const open = (frame: Buffer): Buffer => {
  frame[0] = (frame[0] as number) & 0x7f
  return frame
}

test('messages pass both ways as they came, and each is judged', async () => {
  const judged: unknown[] = []
  await using one = await relayed(async (way, message) => {
    judged.push([way, message])
    return { kind: 'pass' }
  })
  const [question, answer] = [up('question'), down('answer')]
  one.client.send(question)
  assert.deepEqual((await one.origin.frame())?.raw, question)
  one.origin.send(answer)
  assert.deepEqual((await one.client.frame())?.raw, answer)
  one.client.send(up('\x01\x02', opcodes.binary))
  await one.origin.frame()
  assert.deepEqual(judged, [
    ['up', { text: 'question', bytes: 8 }],
    ['down', { text: 'answer', bytes: 6 }],
    ['up', { text: undefined, bytes: 2 }],
  ])
})

test('a message in fragments is judged whole, and control frames between them do not wait', async () => {
  const texts: (string | undefined)[] = []
  await using one = await relayed(async (_way, { text }) => {
    texts.push(text)
    return { kind: 'pass' }
  })
  one.client.send(open(up('hel')))
  one.client.send(up('ping', opcodes.ping))
  assert.deepEqual([(await one.origin.frame())?.opcode, texts], [opcodes.ping, []])
  one.client.send(up('lo', opcodes.continuation))
  const [first, second] = [await one.origin.frame(), await one.origin.frame()]
  assert.deepEqual(
    [first?.payload.toString(), first?.fin, second?.payload.toString(), second?.fin, texts],
    ['hel', false, 'lo', true, ['hello']],
  )
})

test('a message may be replaced; what goes up stays masked', async () => {
  await using one = await relayed(async (_way, { text }) => ({ kind: 'replace', text: `${text?.toUpperCase()}!` }))
  one.client.send(up('question'))
  const question = await one.origin.frame()
  assert.deepEqual([question?.payload.toString(), question?.masked], ['QUESTION!', true])
  one.origin.send(down('answer'))
  const answer = await one.client.frame()
  assert.deepEqual([answer?.payload.toString(), answer?.masked], ['ANSWER!', false])
})

test('a message that is refused ends the conversation on both sides', async () => {
  await using one = await relayed(async () => ({ kind: 'close', reason: 'no' }))
  one.client.send(up('question'))
  const [told, gone] = [await one.client.frame(), await one.origin.frame()]
  assert.deepEqual(
    [told?.opcode, told?.payload.readUInt16BE(0), told?.payload.toString('utf8', 2)],
    [opcodes.close, 1008, 'no'],
  )
  assert.deepEqual([gone?.opcode, gone?.payload.readUInt16BE(0)], [opcodes.close, 1001])
  assert.equal(await one.origin.frame(), undefined)
})

test('what breaks the protocol, or the limit, ends the conversation and is not passed on', async () => {
  const broken = [
    Buffer.from([0x83, 0x80, 0, 0, 0, 0]),
    up('x'.repeat(200)),
    Buffer.concat([open(up('x'.repeat(90))), up('y'.repeat(90), opcodes.continuation)]),
  ]
  for (const bytes of broken) {
    await using one = await relayed(pass, { limit: 100 })
    one.client.send(bytes)
    const passed = await one.origin.frame()
    assert.equal(passed?.opcode, opcodes.close)
    assert.equal((await one.client.frame())?.opcode, opcodes.close)
  }
})

test('both sides closing ends the relay', async () => {
  await using one = await relayed(pass)
  one.client.send(writeFrame(opcodes.close, closePayload(1000, 'bye'), { key }))
  assert.equal((await one.origin.frame())?.payload.readUInt16BE(0), 1000)
  one.origin.send(writeFrame(opcodes.close, closePayload(1000, ''), {}))
  await one.client.frame()
  one.origin.socket.end()
  one.client.socket.end()
  await one.outcome
})

for (const side of ['client', 'origin'] as const) {
  test(`when the ${side} breaks, the other side is let go`, async () => {
    await using one = await relayed(pass)
    one[side].socket.resetAndDestroy()
    const other = side === 'client' ? one.origin : one.client
    await other.frame().catch(() => undefined)
    await one.outcome
  })
}

const deflate = [
  'Sec-WebSocket-Extensions',
  'permessage-deflate; client_no_context_takeover; server_no_context_takeover',
]
const packed = (text: string): Buffer => deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
const unpacked = (bytes: Buffer): string =>
  inflateRawSync(Buffer.concat([bytes, Buffer.from([0, 0, 0xff, 0xff])]), {
    finishFlush: constants.Z_SYNC_FLUSH,
  }).toString()

test('compressed messages are judged by what they say, and pass as they came', async () => {
  const texts: (string | undefined)[] = []
  await using one = await relayed(async (_way, { text }) => (texts.push(text), { kind: 'pass' }), {
    extensions: deflate,
  })
  for (const text of ['hello hello hello', 'again']) {
    const frame = writeFrame(opcodes.text, packed(text), { key, rsv1: true })
    one.client.send(frame)
    assert.deepEqual((await one.origin.frame())?.raw, frame)
  }
  assert.deepEqual(texts, ['hello hello hello', 'again'])
})

test('a compressed message that is replaced is compressed again, and so are those after it', async () => {
  let first = true
  await using one = await relayed(
    async () => {
      if (!first) return { kind: 'pass' }
      first = false
      return { kind: 'replace', text: 'changed' }
    },
    { extensions: deflate },
  )
  for (const [text, expected] of [
    ['hello', 'changed'],
    ['again', 'again'],
  ] as const) {
    one.client.send(writeFrame(opcodes.text, packed(text), { key, rsv1: true }))
    const frame = await one.origin.frame()
    assert.ok(frame !== undefined)
    assert.deepEqual([frame.rsv1, frame.masked, unpacked(frame.payload)], [true, true, expected])
  }
})

test('what cannot be decompressed, or grows beyond the limit, ends the conversation', async () => {
  const bomb = writeFrame(opcodes.text, packed('x'.repeat(1_000_000)), { key, rsv1: true })
  const garbage = writeFrame(opcodes.text, Buffer.from([0xff, 0xff, 0xff]), { key, rsv1: true })
  for (const [bytes, extensions] of [
    [bomb, deflate],
    [garbage, deflate],
    [writeFrame(opcodes.text, packed('x'), { key, rsv1: true }), []],
  ] as const) {
    await using one = await relayed(pass, { extensions, limit: 10_000 })
    one.client.send(bytes)
    assert.equal((await one.origin.frame())?.opcode, opcodes.close)
  }
})

const agreed: [value: string | undefined, expected: ReturnType<typeof negotiated>][] = [
  [undefined, undefined],
  ['x-other', undefined],
  ['permessage-deflate', { up: { bits: 15, takeover: true }, down: { bits: 15, takeover: true } }],
  [
    'permessage-deflate; client_max_window_bits=10; server_no_context_takeover',
    { up: { bits: 10, takeover: true }, down: { bits: 15, takeover: false } },
  ],
]
for (const [value, expected] of agreed) {
  test(`the extension ${value ?? 'none'} is understood`, () => {
    assert.deepEqual(negotiated(value === undefined ? [] : ['sec-websocket-extensions', value]), expected)
  })
}

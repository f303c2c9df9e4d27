import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { deflateRawSync, inflateRawSync, constants } from 'node:zlib'
import type { RawHeaders } from '../../src/core/http.ts'
import { closePayload } from '../../src/http/websocket-close.ts'
import { opcodes, readFrame, writeFrame, type Frame } from '../../src/http/websocket-frame.ts'
import { relayMessages } from '../../src/http/websocket.ts'
import type { Judge, MessageWay } from '../../src/http/websocket-judge.ts'
import { agreed, type Agreed } from '../../src/http/websocket-handshake.ts'

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

type Options = { extensions?: RawHeaders; limit?: number; oversize?: 'allow'; silenceMs?: number }

async function relayed(judge: Judge, options: Options = {}) {
  const [[client, left], [right, origin]] = [await pair(), await pair()]
  const unread: [MessageWay, number][] = []
  const outcome = relayMessages(left, right, judge, {
    agreed: agreed(options.extensions ?? [], options.extensions ?? []) as Exclude<Agreed, { kind: 'invalid' }>,
    limit: options.limit ?? 100_000,
    unread: options.oversize === 'allow' ? (way, bytes) => void unread.push([way, bytes]) : undefined,
    room: { take: () => true, give: () => undefined },
    silenceMs: options.silenceMs ?? Number.POSITIVE_INFINITY,
  })
  return {
    client: end(client),
    origin: end(origin),
    outcome,
    unread,
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
  one.client.send(up('\x00\x02', opcodes.binary))
  await one.origin.frame()
  assert.deepEqual(judged, [
    ['up', { text: 'question', bytes: 8, control: false }],
    ['down', { text: 'answer', bytes: 6, control: false }],
    ['up', { text: undefined, bytes: 2, control: false }],
  ])
})

test('a message in fragments is judged whole, and control frames between them do not wait', async () => {
  const texts: (string | undefined)[] = []
  await using one = await relayed(async (_way, { text }) => {
    texts.push(text)
    return { kind: 'pass' }
  })
  one.client.send(open(up('hel')))
  one.client.send(up('', opcodes.ping))
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

const readable: [what: string, content: Buffer, text: string | undefined][] = [
  ['UTF-8', Buffer.from('caf\u00e9 \u{1f600}'), 'caf\u00e9 \u{1f600}'],
  ['nothing', Buffer.alloc(0), ''],
  ['a NUL byte', Buffer.from('a\0b'), undefined],
  ['other bytes', Buffer.from([0x61, 0xff]), undefined],
]
for (const [what, content, text] of readable) {
  test(`a binary message of ${what} is judged ${text === undefined ? 'unread' : 'as text'}`, async () => {
    const judged: unknown[] = []
    await using one = await relayed(async (_way, message) => (judged.push(message), { kind: 'pass' }))
    const frame = writeFrame(opcodes.binary, content, { key })
    one.client.send(frame)
    assert.deepEqual((await one.origin.frame())?.raw, frame)
    assert.deepEqual(judged, [{ text, bytes: content.length, control: false }])
  })
}

test('a binary message that is replaced is sent as binary', async () => {
  await using one = await relayed(async () => ({ kind: 'replace', text: 'changed' }))
  one.client.send(up('hello', opcodes.binary))
  const frame = await one.origin.frame()
  assert.deepEqual([frame?.opcode, String(frame?.payload)], [opcodes.binary, 'changed'])
})

const compressed = (frame: Buffer): Buffer => {
  frame[0] = (frame[0] as number) | 0x40
  return frame
}
const broken: [what: string, bytes: Buffer, close: number, extensions?: RawHeaders][] = [
  ['a reserved opcode', Buffer.from([0x83, 0x80, 0, 0, 0, 0]), 1002],
  ['a continuation of nothing', up('x', opcodes.continuation), 1002],
  ['an open continuation of nothing', open(up('x', opcodes.continuation)), 1002],
  ['a text inside a text', Buffer.concat([open(up('x')), up('y')]), 1002],
  ['a binary inside a text', Buffer.concat([open(up('x')), open(up('y', opcodes.binary))]), 1002],
  ['compression that was not agreed on', compressed(up('x')), 1002],
  [
    'a continuation that says it is compressed',
    Buffer.concat([open(up('x')), compressed(up('y', opcodes.continuation))]),
    1002,
    ['sec-websocket-extensions', 'permessage-deflate'],
  ],
  ['a compressed ping', compressed(up('x', opcodes.ping)), 1002, ['sec-websocket-extensions', 'permessage-deflate']],
  ['text that is not UTF-8', writeFrame(opcodes.text, Buffer.from([0x61, 0xff]), { key }), 1007],
  [
    'text in fragments that is not UTF-8',
    Buffer.concat([
      open(writeFrame(opcodes.text, Buffer.from([0xc3]), { key })),
      writeFrame(opcodes.continuation, Buffer.from([0x61]), { key }),
    ]),
    1007,
  ],
  ['a frame over the limit', up('x'.repeat(60_000)), 1009],
  [
    'a message over the limit',
    Buffer.concat([open(up('x'.repeat(30_000))), up('y'.repeat(30_000), opcodes.continuation)]),
    1009,
  ],
  [
    'a message of endless empty frames',
    Buffer.concat([open(up('x')), ...Array.from({ length: 7_000 }, () => open(up('', opcodes.continuation)))]),
    1009,
  ],
  [
    'a message whose frame heads are over the limit',
    Buffer.concat([open(up('x')), ...Array.from({ length: 4_000 }, () => open(up('123456', opcodes.continuation)))]),
    1009,
  ],
]
for (const [what, bytes, close, extensions = []] of broken) {
  test(`${what} ends the conversation on both sides with ${close}, and is not passed on`, async () => {
    await using one = await relayed(() => assert.fail('it was judged'), { limit: 40_000, extensions })
    one.client.send(bytes)
    for (const side of [one.origin, one.client]) {
      const frame = await side.frame()
      assert.deepEqual([frame?.opcode, frame?.payload.readUInt16BE(0)], [opcodes.close, close])
    }
  })
}

test('what comes from the origin is held to the same rules', async () => {
  await using one = await relayed(pass)
  one.origin.send(down('x', opcodes.continuation))
  for (const side of [one.client, one.origin]) assert.equal((await side.frame())?.payload.readUInt16BE(0), 1002)
})

test('a message may have 4,096 frames', async () => {
  const texts: (string | undefined)[] = []
  await using one = await relayed(async (_way, { text }) => (texts.push(text), { kind: 'pass' }))
  const middle = Array.from({ length: 4_094 }, () => open(down('', opcodes.continuation)))
  one.origin.send(Buffer.concat([open(down('a')), ...middle, down('b', opcodes.continuation)]))
  let frames = 1
  while ((await one.client.frame())?.fin === false) frames += 1
  assert.deepEqual([frames, texts], [4_096, ['ab']])
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

test('a compressed binary message is judged by what it says', async () => {
  await using one = await relayed(async (_way, { text }) => ({ kind: 'replace', text: `${text}!` }), {
    extensions: deflate,
  })
  one.client.send(writeFrame(opcodes.binary, packed('hello'), { key, rsv1: true }))
  const frame = await one.origin.frame()
  assert.ok(frame !== undefined)
  assert.deepEqual([frame.opcode, unpacked(frame.payload)], [opcodes.binary, 'hello!'])
})

import assert from 'node:assert/strict'
import { duplexPair, type Duplex } from 'node:stream'
import { test } from 'node:test'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { relayMessages } from '../../src/http/websocket.ts'
import { closePayload } from '../../src/http/websocket-close.ts'
import { opcodes, writeFrame } from '../../src/http/websocket-frame.ts'
import { agreed, type Agreed } from '../../src/http/websocket-handshake.ts'
import { websocketEnd } from '../support/websocket-end.ts'

/** A frame as a case has it; what it is masked with is the direction's. */
type Sent = { readonly head: number; readonly payload: Buffer; readonly spoiled?: (frame: Buffer) => Buffer }
/** Opcode, payload, and whether it is the last of its message. */
type Seen = readonly [opcode: number, payload: string, fin: boolean]
type Case = readonly [name: string, sent: readonly Sent[], seen: readonly Seen[], close?: number, deflate?: string]

const fin = 0x80
const rsv1 = 0x40
const { text, binary, continuation, ping, pong, close } = { ...opcodes }
const bytes = (content: string | Buffer | readonly number[]): Buffer => Buffer.from(content as string)
const whole = (opcode: number, content: string | Buffer | readonly number[] = ''): Sent => ({
  head: fin | opcode,
  payload: bytes(content),
})
const part = (opcode: number, content: string | Buffer | readonly number[] = ''): Sent => ({
  head: opcode,
  payload: bytes(content),
})
const raw = (head: number, content: string | Buffer = ''): Sent => ({ head, payload: bytes(content) })
const closing = (code: number, reason: string | Buffer = ''): Sent =>
  whole(close, Buffer.concat([closePayload(code, ''), bytes(reason)]))
const got = (opcode: number, content: string | Buffer | readonly number[] = '', last = true): Seen => [
  opcode,
  bytes(content).toString('latin1'),
  last,
]
const gotClose = (code: number, reason = ''): Seen => got(close, closePayload(code, reason))
const wrongMask = (sent: Sent): Sent => ({
  ...sent,
  spoiled: (frame) => {
    const masked = ((frame[1] as number) & 0x80) !== 0
    const body = frame.subarray(masked ? 6 : 2)
    const head = Buffer.from([frame[0] as number, ((frame[1] as number) ^ 0x80) & 0xff])
    return masked ? Buffer.concat([head, body]) : Buffer.concat([head, Buffer.alloc(4), body])
  },
})

const cases: Case[] = []
const echo = (family: string, name: string, sent: readonly Sent[], seen: readonly Seen[]) =>
  cases.push([`${family} ${name}`, sent, seen])
const fails = (family: string, name: string, sent: readonly Sent[], code: number, before: readonly Seen[] = []) =>
  cases.push([`${family} ${name}`, sent, before, code])

// 1: framing.
for (const opcode of [text, binary])
  for (const size of [0, 1, 125, 126, 127, 128, 65_535, 65_536])
    echo('1', `opcode ${opcode}, ${size} bytes`, [whole(opcode, 'x'.repeat(size))], [got(opcode, 'x'.repeat(size))])

// 2: pings and pongs.
echo('2', 'an empty ping', [whole(ping)], [got(ping)])
echo('2', 'a ping with text', [whole(ping, 'hello')], [got(ping, 'hello')])
echo('2', 'a ping with bytes', [whole(ping, [0, 255, 254, 253])], [got(ping, [0, 255, 254, 253])])
echo('2', 'a ping of 125 bytes', [whole(ping, 'p'.repeat(125))], [got(ping, 'p'.repeat(125))])
fails('2', 'a ping of 126 bytes', [whole(ping, 'p'.repeat(126))], 1002)
echo('2', 'pongs that nobody asked for', [whole(pong), whole(pong, 'x')], [got(pong), got(pong, 'x')])
echo(
  '2',
  'ten pings',
  Array.from({ length: 10 }, (_, i) => whole(ping, `p${i}`)),
  Array.from({ length: 10 }, (_, i) => got(ping, `p${i}`)),
)

// 3: reserved bits.
for (const bits of [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70]) {
  fails('3', `bits ${bits.toString(16)} on a text`, [whole(text, 'a'), raw(fin | bits | text, 'b')], 1002, [
    got(text, 'a'),
  ])
  fails('3', `bits ${bits.toString(16)} on a ping`, [raw(fin | bits | ping, 'b')], 1002)
  fails('3', `bits ${bits.toString(16)} on a close`, [raw(fin | bits | close)], 1002)
}

// 4: opcodes.
for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
  fails('4', `opcode ${opcode}`, [whole(text, 'a'), whole(opcode, 'b'), whole(ping)], 1002, [got(text, 'a')])

// 5: fragments.
fails('5', 'a ping in fragments', [part(ping, 'a'), whole(continuation, 'b')], 1002)
fails('5', 'a pong in fragments', [part(pong, 'a'), whole(continuation, 'b')], 1002)
echo('5', 'a text in two', [part(text, 'a'), whole(continuation, 'b')], [got(text, 'a', false), got(continuation, 'b')])
echo(
  '5',
  'a ping inside a text',
  [part(text, 'a'), whole(ping, 'p'), whole(continuation, 'b')],
  [got(ping, 'p'), got(text, 'a', false), got(continuation, 'b')],
)
echo(
  '5',
  'empty fragments',
  [part(text), part(continuation), whole(continuation)],
  [got(text, '', false), got(continuation, '', false), got(continuation)],
)
echo(
  '5',
  'a fragment of nothing at the end',
  [part(binary, 'a'), whole(continuation)],
  [got(binary, 'a', false), got(continuation)],
)
fails('5', 'a continuation of nothing', [whole(continuation, 'a'), whole(text, 'b')], 1002)
fails('5', 'an open continuation of nothing', [part(continuation, 'a')], 1002)
fails(
  '5',
  'a continuation after its message',
  [part(text, 'a'), whole(continuation, 'b'), whole(continuation, 'c')],
  1002,
  [got(text, 'a', false), got(continuation, 'b')],
)
fails('5', 'a text inside a text', [part(text, 'a'), whole(text, 'b')], 1002)

// 6: UTF-8.
const kosme = '\u03ba\u1f79\u03c3\u03bc\u03b5'
for (const good of [kosme, '\0', '\u{10ffff}', '\ufffe', '\ud7ff', '\ue000', '\u{10000}'])
  echo('6', `text ${JSON.stringify(good)}`, [whole(text, good)], [got(text, good)])
const split = bytes(kosme)
echo(
  '6',
  'characters cut by fragments',
  [part(text, split.subarray(0, 1)), part(continuation, split.subarray(1, 4)), whole(continuation, split.subarray(4))],
  [
    got(text, split.subarray(0, 1), false),
    got(continuation, split.subarray(1, 4), false),
    got(continuation, split.subarray(4)),
  ],
)
const bad: readonly (readonly number[])[] = [
  [0x80],
  [0xbf],
  [0xc0, 0xaf],
  [0xc1, 0x81],
  [0xe0, 0x80, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf0, 0x80, 0x80, 0xaf],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf8, 0x88, 0x80, 0x80, 0x80],
  [0xfe],
  [0xff],
  [0xce],
  [0xe2, 0x82],
]
for (const some of bad) {
  const name = bytes(some).toString('hex')
  fails('6', `text ${name}`, [whole(text, some)], 1007)
  fails(
    '6',
    `text ${name} between words, in fragments`,
    [part(text, 'ab'), part(continuation, some), whole(continuation, 'c')],
    1007,
  )
  echo('6', `bytes ${name}`, [whole(binary, some)], [got(binary, some)])
}

// 7: closing.
echo('7', 'a close without a code', [whole(close)], [got(close)])
for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])
  echo('7', `close ${code}`, [closing(code, 'why')], [gotClose(code, 'why')])
for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])
  fails('7', `close ${code}`, [closing(code)], 1002)
fails('7', 'a close of one byte', [whole(close, [3])], 1002)
fails('7', 'a close of 126 bytes', [closing(1000, 'x'.repeat(124))], 1002)
echo('7', 'a close of 125 bytes', [closing(1000, 'x'.repeat(123))], [gotClose(1000, 'x'.repeat(123))])
fails('7', 'a reason that is not UTF-8', [closing(1000, Buffer.from([0xce, 0xba, 0xff]))], 1007)
echo(
  '7',
  'what follows a close is not heard',
  [closing(1000), whole(text, 'a'), whole(ping), closing(1001), raw(0xff)],
  [gotClose(1000)],
)
echo('7', 'a close inside a message', [part(text, 'a'), closing(1000)], [gotClose(1000)])

// Masking: a client's frames are, a server's are not.
fails('masking', 'the other way round', [wrongMask(whole(text, 'a'))], 1002)
fails('masking', 'the other way round on a ping', [wrongMask(whole(ping))], 1002)
fails('masking', 'the other way round in the middle', [part(text, 'a'), wrongMask(whole(continuation, 'b'))], 1002)

// 9: limits.
const limit = 200_000
echo('9', 'a message at the limit', [whole(text, 'x'.repeat(limit - 100))], [got(text, 'x'.repeat(limit - 100))])
fails('9', 'a message over the limit', [whole(text, 'x'.repeat(limit + 1))], 1009)
echo(
  '9',
  'thousands of fragments',
  [part(text, 'x'), ...Array.from({ length: 9_000 }, () => part(continuation, 'y')), whole(continuation)],
  [got(text, 'x', false), ...Array.from({ length: 9_000 }, () => got(continuation, 'y', false)), got(continuation)],
)
fails(
  '9',
  'fragments over the limit',
  [part(text, 'x'), ...Array.from({ length: 5 }, () => part(continuation, 'y'.repeat(50_000)))],
  1009,
)

// 12 and 13: compression.
const tail = Buffer.from([0, 0, 0xff, 0xff])
const packed = (content: string): Buffer =>
  deflateRawSync(content, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
const parameters = [
  'permessage-deflate',
  'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
  'permessage-deflate; server_max_window_bits=9; client_max_window_bits=9',
  'permessage-deflate; server_max_window_bits=15; client_max_window_bits=15; client_no_context_takeover; server_no_context_takeover',
]
for (const deflate of parameters) {
  for (const content of ['', 'a', 'hello hello hello', 'x'.repeat(100_000)]) {
    const some = packed(content)
    cases.push([
      `12 ${content.length} bytes by ${deflate}`,
      [raw(fin | rsv1 | text, some)],
      [got(text, some)],
      undefined,
      deflate,
    ])
    const cut = Math.floor(some.length / 2)
    cases.push([
      `12 ${content.length} bytes in fragments by ${deflate}`,
      [raw(rsv1 | text, some.subarray(0, cut)), whole(ping, 'p'), whole(continuation, some.subarray(cut))],
      [got(ping, 'p'), got(text, some.subarray(0, cut), false), got(continuation, some.subarray(cut))],
      undefined,
      deflate,
    ])
  }
  const spoilt: [string, Sent[], number][] = [
    ['a continuation that says it is compressed', [raw(rsv1 | text, packed('a')), raw(fin | rsv1, packed('b'))], 1002],
    ['a compressed ping', [raw(fin | rsv1 | ping)], 1002],
    ['no deflate', [raw(fin | rsv1 | text, Buffer.from([0xff, 0xff, 0xff]))], 1007],
    [
      'compressed text that is not UTF-8',
      [
        raw(
          fin | rsv1 | text,
          deflateRawSync(Buffer.from([0x61, 0xff]), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4),
        ),
      ],
      1007,
    ],
    ['a bomb', [raw(fin | rsv1 | text, packed('x'.repeat(limit * 20)))], 1009],
  ]
  for (const [name, sent, code] of spoilt) cases.push([`13 ${name} by ${deflate}`, sent, [], code, deflate])
}
cases.push([
  '13 uncompressed between compressed',
  [raw(fin | rsv1 | text, packed('a')), whole(text, 'b')],
  [got(text, packed('a')), got(text, 'b')],
  undefined,
  parameters[0],
])

test('the packed texts of these cases are what they say', () => {
  for (const content of ['a', 'x'.repeat(100_000)])
    assert.equal(
      inflateRawSync(Buffer.concat([packed(content), tail]), { finishFlush: constants.Z_SYNC_FLUSH }).toString(),
      content,
    )
})

type Direction = 'up' | 'down'

async function played(
  [, sent, seen, code, deflate]: Case,
  way: Direction,
  cuts: (size: number) => number[],
): Promise<void> {
  const [client, near] = duplexPair()
  const [far, origin] = duplexPair()
  const offer =
    deflate === undefined ? [] : ['Sec-WebSocket-Extensions', `${deflate}, permessage-deflate; client_max_window_bits`]
  const answer = deflate === undefined ? [] : ['Sec-WebSocket-Extensions', deflate]
  const over = relayMessages(near, far, async () => ({ kind: 'pass' }), {
    agreed: agreed(offer, answer) as Exclude<Agreed, { kind: 'invalid' }>,
    limit,
    unread: undefined,
    room: { take: () => true, give: () => undefined },
    silenceMs: Number.POSITIVE_INFINITY,
  })
  const [from, to] = way === 'up' ? [client, origin] : [origin, client]
  const hearing = websocketEnd(to, way === 'down')
  const stream = Buffer.concat(sent.map((frame) => written(frame, way)))
  void sendCut(from, stream, cuts(stream.length))
  for (const expected of seen) {
    const frame = await hearing.hear()
    assert.ok(frame !== undefined, 'the connection ended')
    assert.equal(frame.masked, way === 'up')
    assert.deepEqual([frame.opcode, frame.payload.toString('latin1'), frame.fin], expected)
  }
  if (code !== undefined) {
    const told = await websocketEnd(from, way === 'up').hear()
    assert.deepEqual([told?.opcode, told?.payload.readUInt16BE(0)], [close, code], 'the sender is told')
    const last = await hearing.hear()
    assert.deepEqual([last?.opcode, last?.payload.readUInt16BE(0)], [close, code], 'the receiver is told')
    assert.equal(await hearing.hear(), undefined)
  }
  client.end()
  origin.end()
  client.resume()
  origin.resume()
  const { kind } = await over
  assert.equal(kind, code !== undefined ? 'stopped' : seen.some(([opcode]) => opcode === close) ? 'closed' : 'broken')
}

function written({ head, payload, spoiled }: Sent, way: Direction): Buffer {
  const frame = writeFrame(head & 0x0f, payload, way === 'up' ? { key: Buffer.from([1, 2, 3, 4]) } : {})
  frame[0] = head
  return spoiled === undefined ? frame : spoiled(frame)
}

async function sendCut(to: Duplex, stream: Buffer, cuts: readonly number[]): Promise<void> {
  let at = 0
  for (const cut of [...cuts, stream.length]) {
    to.write(stream.subarray(at, cut))
    at = cut
    await new Promise((resolve) => setImmediate(resolve))
  }
}

for (const one of cases) {
  test(one[0], async () => {
    for (const way of ['up', 'down'] as const) {
      await played(one, way, () => [])
      const size = one[1].reduce((sum, { payload }) => sum + payload.length + 6, 0)
      if (size > 40) continue
      await played(one, way, (length) => Array.from({ length: length - 1 }, (_, i) => i + 1))
      for (let cut = 1; cut < size - 4 * one[1].length; cut += 1)
        await played(one, way, (length) => (cut < length ? [cut] : []))
    }
  })
}

import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { relayMessages, type Ending } from '../../src/http/websocket.ts'
import { Deflater, Inflater } from '../../src/http/websocket-deflate.ts'
import { opcodes, writeFrame } from '../../src/http/websocket-frame.ts'
import { agreed, type Agreed } from '../../src/http/websocket-handshake.ts'
import type { Judge, JudgedMessage, MessageVerdict, MessageWay, Room } from '../../src/http/websocket-judge.ts'
import { websocketEnd, type WebSocketEnd } from '../support/websocket-end.ts'

const takeover = 'permessage-deflate'
const none = 'permessage-deflate; client_no_context_takeover; server_no_context_takeover'
const limit = 10_000

type Scene = {
  readonly client: WebSocketEnd
  readonly origin: WebSocketEnd
  readonly unread: [MessageWay, number][]
  readonly ending: Promise<Ending>
}

function scene(
  judge: Judge,
  options: { deflate?: string; silenceMs?: number; block?: true; room?: Room; most?: number } = {},
): Scene {
  const [client, near] = duplexPair()
  const [far, origin] = duplexPair()
  const fields = options.deflate === undefined ? [] : ['Sec-WebSocket-Extensions', options.deflate]
  const unread: Scene['unread'] = []
  const ending = relayMessages(near, far, judge, {
    agreed: agreed(fields, fields) as Exclude<Agreed, { kind: 'invalid' }>,
    limit: options.most ?? limit,
    unread: options.block === true ? undefined : (way, bytes) => void unread.push([way, bytes]),
    room: options.room ?? { take: () => true, give: () => undefined },
    silenceMs: options.silenceMs ?? Number.POSITIVE_INFINITY,
  })
  return { client: websocketEnd(client, true), origin: websocketEnd(origin, false), unread, ending }
}

const pass: Judge = async () => ({ kind: 'pass' })
const key = Buffer.from([1, 2, 3, 4])
const full = { bits: 15, takeover: true }

/** The messages that one end hears, as text. */
async function messages(end: WebSocketEnd, window: typeof full | undefined, count: number): Promise<string[]> {
  const inflater = new Inflater(window ?? full)
  const heard: string[] = []
  let content: Buffer[] = []
  let packed = false
  while (heard.length < count) {
    const frame = await end.hear()
    if (frame === undefined) break
    if (frame.opcode >= 8) continue
    if (frame.opcode !== opcodes.continuation) packed = frame.rsv1
    if (packed) for await (const piece of inflater.part(frame.payload, frame.fin)) content.push(piece)
    else content.push(frame.payload)
    if (!frame.fin) continue
    heard.push(Buffer.concat(content).toString())
    content = []
  }
  inflater.close()
  return heard
}

for (const [name, deflate] of [
  ['context takeover', takeover],
  ['no context takeover', none],
] as const) {
  const window = { bits: 15, takeover: deflate === takeover }

  test(`messages of all kinds, some changed, some too long, arrive in their order and as they should, with ${name}`, async () => {
    const word = fc.constantFrom('hello ', 'change ', '\u20ac', 'x'.repeat(300), 'y'.repeat(6_000))
    const message = fc.record({
      words: fc.array(word, { maxLength: 6 }),
      packed: fc.boolean(),
      pieces: fc.integer({ min: 1, max: 4 }),
      pings: fc.boolean(),
    })
    const undecided = new Set<() => void>()
    const judged = async (_way: MessageWay, { text, control }: JudgedMessage) => {
      const verdict: MessageVerdict =
        !control && text?.includes('change') === true
          ? { kind: 'replace', text: text.replaceAll('change', 'CHANGED!') }
          : { kind: 'pass' }
      if (control || text?.includes('\u20ac') !== true) return verdict
      // It waits: for a while, or until nothing more comes before it must be decided.
      const { promise, resolve } = Promise.withResolvers<MessageVerdict>()
      undecided.add(() => resolve(verdict))
      if (text.length % 2 === 0) setImmediate(() => setImmediate(resolve, verdict))
      return { kind: 'later', verdict: promise } as const
    }
    const flush = async (): Promise<void> => {
      for (const decide of undecided) decide()
      undecided.clear()
    }
    const judge: Judge = Object.assign(judged, { flush })
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 5 }),
        async (sent, cuts) => {
          for (const way of ['up', 'down'] as const) {
            const one = scene(judge, { deflate })
            const [from, to] = way === 'up' ? [one.client, one.origin] : [one.origin, one.client]
            const deflater = new Deflater(window)
            const frames: Buffer[] = []
            for (const { words, packed, pieces, pings } of sent) {
              const content = Buffer.from(words.join(''))
              const payload = packed ? await deflater.message(content) : content
              const size = Math.ceil(payload.length / pieces)
              for (let i = 0; i < pieces; i += 1) {
                const how = { fin: i === pieces - 1, rsv1: packed && i === 0, ...(way === 'up' ? { key } : {}) }
                frames.push(
                  writeFrame(
                    i === 0 ? opcodes.text : opcodes.continuation,
                    payload.subarray(i * size, (i + 1) * size),
                    how,
                  ),
                )
                if (pings) frames.push(writeFrame(opcodes.ping, Buffer.from('p'), way === 'up' ? { key } : {}))
              }
            }
            const stream = Buffer.concat(frames)
            for (let at = 0, turn = 0; at < stream.length; turn += 1) {
              const cut = cuts[turn % cuts.length] as number
              from.send(stream.subarray(at, at + cut))
              at += cut
            }
            const expected = sent.map(({ words }) => {
              const text = words.join('')
              return Buffer.byteLength(text) > limit ? text : text.replaceAll('change', 'CHANGED!')
            })
            from.close(1000)
            const heard = await messages(to, window, sent.length)
            // A message may be over the limit by its frame heads alone.
            const exact = expected.map((text, i) => (Math.abs(Buffer.byteLength(text) - limit) < 50 ? heard[i] : text))
            assert.deepEqual(heard, exact)
            deflater.close()
            one.client.socket.destroy()
            one.origin.socket.destroy()
          }
        },
      ),
      { numRuns: 40 },
    )
  })
}

test('a message over the limit passes as it comes, before it is complete', async () => {
  const one = scene(() => assert.fail('it was judged'))
  const frame = writeFrame(opcodes.text, Buffer.alloc(100_000, 'x'), { key })
  one.client.send(frame.subarray(0, 50_000))
  let seen = 0
  const passed = Promise.withResolvers<void>()
  one.origin.socket.on('data', (chunk: Buffer) => {
    seen += chunk.length
    if (seen === 50_000) one.client.send(frame.subarray(50_000))
    if (seen === frame.length) passed.resolve()
  })
  await passed.promise
  assert.equal(
    one.unread.reduce((sum, [, size]) => sum + size, 0),
    100_000,
  )
})

test('what a stopped conversation was about to say in the middle of a frame is not mixed into it', async () => {
  const one = scene(async () => ({ kind: 'close', reason: 'no' }))
  one.client.send(writeFrame(opcodes.text, Buffer.alloc(100_000, 'x'), { key }).subarray(0, 50_000))
  const chunks: Buffer[] = []
  const half = Promise.withResolvers<void>()
  one.origin.socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    if (Buffer.concat(chunks).length === 50_000) half.resolve()
  })
  await half.promise
  one.origin.say(opcodes.text, 'question')
  assert.equal((await one.client.hear())?.payload.readUInt16BE(0), 1008)
  assert.equal(Buffer.concat(chunks).length, 50_000)
})

test('a receiver that does not read holds its sender back', async () => {
  const one = scene(pass)
  const message = writeFrame(opcodes.binary, Buffer.alloc(9_000), { key })
  let sent = 0
  while (sent < 1_000) {
    sent += 1
    if (one.client.socket.write(message)) continue
    const drained = await Promise.race([
      new Promise<boolean>((resolve) => one.client.socket.once('drain', () => resolve(true))),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 200)),
    ])
    if (!drained) break
  }
  assert.ok(sent < 200, `${sent} messages were taken`)
  let received = 0
  while (received < sent && (await one.origin.hear()) !== undefined) received += 1
  assert.equal(received, sent)
})

test('a block by one side is told to a client that the other side is talking to', async () => {
  const one = scene(async (way) => (way === 'up' ? { kind: 'close', reason: 'no' } : { kind: 'pass' }))
  for (let i = 0; i < 50; i += 1) one.origin.say(opcodes.text, `delta ${i}`)
  one.client.say(opcodes.text, 'question')
  for (let i = 50; i < 100; i += 1) one.origin.say(opcodes.text, `delta ${i}`)
  let last = await one.client.hear()
  for (let next = last; next !== undefined; next = await one.client.hear()) last = next
  assert.deepEqual([last?.opcode, last?.payload.readUInt16BE(0)], [opcodes.close, 1008])
  assert.deepEqual(await one.ending.then(({ kind }) => kind), 'stopped')
})

test('silence on both sides ends the conversation with 1001, and talk on one does not', async () => {
  const one = scene(pass, { silenceMs: 600 })
  for (let i = 0; i < 15; i += 1) {
    one.origin.say(opcodes.ping, '')
    assert.equal((await one.client.hear())?.opcode, opcodes.ping)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  for (const end of [one.client, one.origin]) assert.equal((await end.hear())?.payload.readUInt16BE(0), 1001)
  assert.deepEqual(await one.ending, { kind: 'stopped', code: 1001, way: undefined })
})

test('a bomb passes unread where long messages may, and those after it are read', async () => {
  const texts: (string | undefined)[] = []
  const one = scene(async (_way, { text }) => (texts.push(text), { kind: 'pass' }), { deflate: takeover })
  const deflater = new Deflater(full)
  const sent = ['before', 'x'.repeat(3_000_000), 'after x'.repeat(3)]
  for (const text of sent) {
    one.client.send(writeFrame(opcodes.text, await deflater.message(Buffer.from(text)), { key, rsv1: true }))
  }
  assert.deepEqual(await messages(one.origin, full, 3), sent)
  assert.deepEqual(texts, [sent[0], sent[2]])
  assert.deepEqual(one.unread, [['up', 3_000_000]])
})

test('long messages are counted while they are held and judged, and where there is no room the conversation ends', async () => {
  let [used, most] = [0, 0]
  const room = (size: number): Room => ({
    take: (bytes) => used + bytes <= size && ((used += bytes), (most = Math.max(most, used)), true),
    give: (bytes) => void (used -= bytes),
  })
  const large = writeFrame(opcodes.text, Buffer.alloc(150_000, 'x'), { key })
  const roomy = scene(pass, { room: room(1_000_000), most: 200_000 })
  roomy.client.send(large.subarray(0, 100_000))
  roomy.client.send(large.subarray(100_000))
  assert.equal((await roomy.origin.hear())?.payload.length, 150_000)
  roomy.client.close(1000)
  await roomy.origin.hear()
  assert.ok(most >= 450_000, `${most} bytes were counted`)
  roomy.client.socket.end()
  roomy.origin.socket.end()
  await roomy.ending
  assert.equal(used, 0)
  const narrow = scene(() => assert.fail('it was judged'), { room: room(90_000), most: 200_000 })
  narrow.client.send(large)
  assert.equal((await narrow.client.hear())?.payload.readUInt16BE(0), 1013)
  for (const end of [narrow.client, narrow.origin]) end.socket.end()
  assert.deepEqual(await narrow.ending, { kind: 'stopped', code: 1013, way: 'up' })
  assert.equal(used, 0)
})

test('whatever bytes come from either side, the conversation ends when they do', async () => {
  const noise = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      fc
        .tuple(
          fc.constantFrom(0, 1, 2, 8, 9, 10, 0x81, 0x82, 0x88, 0x89, 0xc1, 0x41),
          fc.uint8Array({ maxLength: 120 }),
          fc.boolean(),
        )
        .map(([head, payload, masked]) => {
          const frame = writeFrame(head & 0x0f, payload, masked ? { key } : {})
          frame[0] = head
          return frame
        }),
    ),
    { maxLength: 8 },
  )
  await fc.assert(
    fc.asyncProperty(noise, noise, fc.boolean(), async (up, down, compressed) => {
      const one = scene(pass, compressed ? { deflate: takeover } : {})
      for (const bytes of up) one.client.send(bytes)
      for (const bytes of down) one.origin.send(bytes)
      for (const { socket } of [one.client, one.origin]) {
        socket.end()
        void Array.fromAsync(socket).catch(() => undefined)
      }
      assert.ok(['closed', 'broken', 'stopped'].includes((await one.ending).kind))
    }),
    { numRuns: 300 },
  )
})

test('a judge that fails lets nothing through, and both sides are told', async () => {
  const one = scene(() => Promise.reject(new Error('broken')))
  one.client.say(opcodes.text, 'question')
  for (const end of [one.client, one.origin]) {
    const frame = await end.hear()
    assert.deepEqual([frame?.opcode, frame?.payload.readUInt16BE(0)], [opcodes.close, 1011])
  }
  for (const end of [one.client, one.origin]) end.socket.end()
  assert.deepEqual(await one.ending, { kind: 'stopped', code: 1011, way: undefined })
})

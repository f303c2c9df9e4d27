import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { headerOf } from '../../src/core/http.ts'
import {
  answerOf,
  chatRequest,
  chatStream,
  client,
  converse,
  eventStream,
  spoken,
  startEngine,
  wordRule,
} from '../support/engine.ts'
import { run } from '../../src/engine/run.ts'

const engine = startEngine()
const body = chatRequest('hello', { stream: true })
const looking = wordRule('flag, onError: allow', 'response')
const holding = wordRule('redact', 'response')

test('a stream that nothing can change goes on chunk by chunk as it came', async () => {
  const rooms = await engine.rooms(looking)
  const chunks = chatStream('the blue', 'bird flies').flatMap((event) => [event.subarray(0, 9), event.subarray(9)])
  const { received, id } = await converse(rooms, { body }, answerOf(chunks, eventStream))
  assert.equal(received.chunks.length, chunks.length)
  for (const [i, chunk] of chunks.entries()) assert.equal(received.chunks[i], chunk)
  const row = await engine.row(id)
  assert.deepEqual([row['decision'], row['stream'], row['finish_reason']], ['flag', 1, 'stop'])
  assert.equal(row['response_bytes'], Buffer.concat(chunks).length)
  assert.match(String(row['response_body']), /REDACTED/)
  assert.doesNotMatch(spoken(String(row['response_body'])), /bluebird/)
})

test('a chunk is on its way before the next one is asked for, also when the stream is held', async () => {
  for (const policy of [looking, holding]) {
    const rooms = await engine.rooms(policy)
    const order: string[] = []
    const { exchange } = client({ body })
    const events = chatStream('one. ', 'two. ')
    async function* origin(): AsyncGenerator<Uint8Array> {
      for (const [i, event] of events.entries()) {
        yield event
        order.push(`asked after ${i}`)
        // Held streams ask for the next chunk while the last is sent: the answer to that is not there yet.
        await new Promise(setImmediate)
      }
    }
    await run(
      rooms,
      {
        ...exchange,
        reply: async (answer) => {
          let i = 0
          for await (const chunk of answer.body ?? [])
            order.push(`sent ${i++}: ${spoken(Buffer.from(chunk).toString())}`)
        },
      },
      async () => answerOf(origin(), eventStream),
    )
    assert.ok(order.indexOf('sent 0: one. ') < order.indexOf('asked after 1'), `${policy}: ${order.join(', ')}`)
  }
})

test('a found value in a held stream is replaced wherever the stream is cut', async () => {
  const rooms = await engine.rooms(holding)
  const stream = Buffer.concat(chatStream('about blue', 'bird, é and more'))
  for (let cut = 0; cut < stream.length; cut += 7) {
    const answer = answerOf([stream.subarray(0, cut), stream.subarray(cut)], [...eventStream, 'Content-Length', '9'])
    const { received } = await converse(rooms, { body }, answer)
    assert.equal(spoken(received.text), 'about [REDACTED:KEYWORD:project], é and more', `cut at ${cut}`)
    assert.match(received.text, /data: \[DONE\]\n\n$/)
    assert.equal(headerOf(received.headers, 'content-length'), undefined)
  }
})

test('a held stream without findings has the bytes it came with', async () => {
  const rooms = await engine.rooms(holding)
  const stream = Buffer.concat([Buffer.from(': comment\r\n\r\n'), ...chatStream('nothing', ' here')])
  const { received } = await converse(
    rooms,
    { body },
    answerOf([stream.subarray(0, 40), stream.subarray(40)], eventStream),
  )
  assert.deepEqual(Buffer.concat(received.chunks), stream)
})

test('a placeholder in a stream is put back, in however many pieces it comes', async () => {
  const rooms = await engine.rooms(wordRule('tokenize', 'request'))
  const asked = { body: chatRequest('about bluebird', { stream: true }) }
  const { received, id } = await converse(rooms, asked, async () => {
    const placeholder = rooms.vault('address 127.0.0.1').placeholderFor('KEYWORD:project', 'bluebird')
    return answerOf(chatStream('I know ', ...placeholder.match(/.{1,5}/g)!, ' well'), eventStream)
  })
  assert.equal(spoken(received.text), 'I know bluebird well')
  assert.doesNotMatch(String((await engine.row(id))['response_body']), /bluebird/)
  assert.match(await rooms.metrics.registry.metrics(), /sallyport_placeholders_total\{outcome="restored"\} 1/)
})

test("a block in a stream ends it with the dialect's error event, and what followed never leaves", async () => {
  const rooms = await engine.rooms(wordRule('block', 'response'))
  const { received, id } = await converse(
    rooms,
    { body },
    answerOf(chatStream('fine so far. ', 'about blue', 'bird', ' and the rest'), eventStream),
  )
  assert.match(spoken(received.text), /^fine so far\. /)
  assert.doesNotMatch(received.text, /bird|the rest|\[DONE\]/)
  const last = Buffer.from(received.chunks.at(-1) as Uint8Array).toString()
  assert.match(last, /^data: \{"error":.*our project.*\}\n\n$/)
  const row = await engine.row(id)
  assert.deepEqual(
    [row['decision'], row['rule'], row['state'], row['error']],
    ['block', 'our project', 'done', 'sallyport_blocked'],
  )
  assert.doesNotMatch(JSON.stringify(row), /bluebird/)
})

test('what had come when the client left is kept, held texts too', async () => {
  for (const policy of [looking, holding]) {
    const rooms = await engine.rooms(policy)
    const { id } = await converse(
      rooms,
      { body, leavesAfter: 1 },
      answerOf(chatStream('first. ', 'second. ', 'third. '), eventStream),
    )
    const row = await engine.row(id)
    assert.deepEqual([row['state'], row['error']], ['aborted', 'client_aborted'], policy)
    assert.match(String(row['response_body']), /first/)
    assert.ok(Number(row['response_bytes']) > 0)
  }
})

test('a compressed stream that nothing changes goes on compressed, and is read beside', async () => {
  const rooms = await engine.rooms(looking)
  const packed = gzipSync(Buffer.concat(chatStream('about bluebird')))
  const chunks = [packed.subarray(0, 20), packed.subarray(20)]
  const { received, id } = await converse(
    rooms,
    { body },
    answerOf(chunks, [...eventStream, 'Content-Encoding', 'gzip']),
  )
  assert.deepEqual(received.chunks, chunks)
  assert.equal(headerOf(received.headers, 'content-encoding'), 'gzip')
  const row = await engine.row(id)
  assert.deepEqual([row['decision'], row['finish_reason']], ['flag', 'stop'])
})

test('a compressed stream that is held leaves without its coding', async () => {
  const rooms = await engine.rooms(holding)
  const packed = gzipSync(Buffer.concat(chatStream('about bluebird')))
  const { received } = await converse(
    rooms,
    { body },
    answerOf([packed.subarray(0, 20), packed.subarray(20)], [...eventStream, 'Content-Encoding', 'gzip']),
  )
  assert.equal(headerOf(received.headers, 'content-encoding'), undefined)
  assert.equal(spoken(received.text), 'about [REDACTED:KEYWORD:project]')
})

test('an origin that breaks off ends the exchange as aborted, on either way', async () => {
  for (const policy of [looking, holding]) {
    const rooms = await engine.rooms(policy)
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield chatStream('half an answer. ')[0] as Buffer
      throw new Error('reset')
    }
    const { received, id } = await converse(rooms, { body }, answerOf(broken(), eventStream))
    assert.equal(spoken(received.text), 'half an answer. ', policy)
    const row = await engine.row(id)
    assert.equal(row['state'], 'aborted')
    assert.match(String(row['response_body']), /half an answer/)
  }
})

test('what is held when the origin breaks off is judged, and then leaves or not', async () => {
  const cases = [
    ['redact', ['fine. ', 'about blue'], 'fine. about blue'],
    ['redact', ['fine. ', 'about blue', 'bird'], 'fine. about [REDACTED:KEYWORD:project]'],
    ['block', ['fine. ', 'about blue', 'bird'], 'fine. '],
  ] as const
  for (const [action, texts, expected] of cases) {
    const rooms = await engine.rooms(wordRule(action, 'response'))
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield* chatStream(...texts).slice(0, texts.length)
      yield Buffer.from('data: {"choices":[{"delta":{"content":"bird')
      throw new Error('reset')
    }
    const { received, id } = await converse(rooms, { body }, answerOf(broken(), eventStream))
    assert.equal(spoken(received.text.replace(/data: \{"error.*/s, '')), expected)
    const row = await engine.row(id)
    assert.equal(row['decision'], expected.includes('REDACTED') ? 'redact' : action === 'block' ? 'block' : 'allow')
    assert.doesNotMatch(JSON.stringify(row) + received.text, /bluebird/)
  }
})

test('an origin that breaks off while a slow client still takes the last chunk harms nothing', async () => {
  const rooms = await engine.rooms(holding)
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield chatStream('half an answer. ')[0] as Buffer
    throw new Error('reset')
  }
  const { exchange } = client({ body })
  await run(
    rooms,
    {
      ...exchange,
      reply: async (answer) => {
        for await (const _ of answer.body ?? []) await new Promise(setImmediate)
      },
    },
    async () => answerOf(broken(), eventStream),
  )
  assert.equal((await engine.row(exchange.id))['state'], 'aborted')
})

test('a compressed stream that cannot be read beside goes on nevertheless, and the record says so', async () => {
  const rooms = await engine.rooms(looking)
  const plain = Buffer.concat(chatStream('about bluebird'))
  const cases: [string, Buffer][] = [
    ['compress', plain],
    ['gzip, br', gzipSync(plain)],
    ['gzip', plain],
    ['gzip', gzipSync(plain).subarray(0, -9)],
  ]
  for (const [coding, bytes] of cases) {
    const answer = answerOf([bytes], [...eventStream, 'Content-Encoding', coding])
    const { received, id } = await converse(rooms, { body }, answer)
    assert.deepEqual(Buffer.concat(received.chunks), bytes)
    assert.equal((await engine.row(id))['error'], 'not_inspected: answer unreadable', coding)
  }
})

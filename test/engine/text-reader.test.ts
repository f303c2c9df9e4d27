import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { noAnswerFacts } from '../../src/core/chat.ts'
import { textReader } from '../../src/engine/text-reader.ts'
import { encodeBody } from '../../src/providers/json-text.ts'
import type { StreamEvent } from '../../src/providers/provider.ts'

function read(chunks: readonly Uint8Array[]): StreamEvent[] {
  const reader = textReader()
  return [...chunks.flatMap((chunk) => [...reader.push(chunk)]), ...reader.end()]
}

const bytesIn = (events: readonly StreamEvent[]): Buffer => Buffer.concat(events.map(({ bytes }) => bytes))
const textIn = (events: readonly StreamEvent[]): string => events.map(({ text }) => text).join('')

test('a text cut at every byte is the same text and the same bytes', () => {
  const text = 'plain, é, 語, 😀 and the end é'
  const bytes = Buffer.from(text)
  for (let cut = 0; cut <= bytes.length; cut++) {
    const events = read([bytes.subarray(0, cut), bytes.subarray(cut)])
    assert.equal(textIn(events), text, `cut at ${cut}`)
    assert.deepEqual(bytesIn(events), bytes)
    assert.ok(events.every(({ charset }) => charset === 'utf8'))
  }
})

test('a text that comes byte by byte is the same text', () => {
  const text = 'a é 語 😀'
  assert.equal(textIn(read([...Buffer.from(text)].map((byte) => Buffer.of(byte)))), text)
})

test('any bytes, however they are cut, are kept, and each event can be written again as it was', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 8 }), (chunks) => {
      const events = read(chunks)
      assert.deepEqual(bytesIn(events), Buffer.concat(chunks))
      for (const { bytes, text, charset } of events) assert.deepEqual(encodeBody(text, charset), Buffer.from(bytes))
    }),
  )
})

test('from the first bytes that are not UTF-8 on, everything is read byte by byte', () => {
  const events = read([Buffer.from('é'), Buffer.of(0xff, 0x41), Buffer.from('é')])
  assert.deepEqual(
    events.map(({ text, charset }) => [text, charset]),
    [
      ['é', 'utf8'],
      ['\u00ffA', 'latin1'],
      ['\u00c3\u00a9', 'latin1'],
    ],
  )
})

test('a sequence that never ends is given at the end', () => {
  const events = read([Buffer.from('a'), Buffer.of(0xf0, 0x9f)])
  assert.deepEqual(bytesIn(events), Buffer.of(0x61, 0xf0, 0x9f))
  assert.deepEqual(events.at(-1)?.ends, ['*'])
})

test('every piece is one growing text, at its place in its event', () => {
  const [event] = read([Buffer.from('hello')])
  assert.partialDeepStrictEqual(event?.parts, [
    { text: 'hello', channel: 'text', whole: false, fragment: 'text', place: { start: 0, end: 5, spelling: [] } },
  ])
  assert.equal(textReader().facts(), noAnswerFacts)
})

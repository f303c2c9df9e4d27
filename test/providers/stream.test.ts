import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '../../src/core/errors.ts'
import { anyReading } from '../../src/providers/define.ts'
import { applyEdits } from '../../src/providers/json-text.ts'
import { streamReader } from '../../src/providers/stream.ts'

test('an event comes in the push that completes it', () => {
  const reader = streamReader('sse', anyReading)
  assert.equal(reader.push(Buffer.from('data: {"a":"b"}\n')).length, 0)
  assert.equal(reader.push(Buffer.from('\n')).length, 1)
  assert.equal(reader.push(Buffer.from('data: rest')).length, 0)
  assert.deepEqual(
    reader.end().map((event) => event.parts.map((part) => part.text)),
    [['rest']],
  )
  assert.deepEqual(reader.end(), [])
})

test('data over several lines is one document, edited where it stands', () => {
  const [event] = streamReader('sse', anyReading).push(
    Buffer.from('data: {"a":\r\ndata:"b c",\r\ndata: "d":1}\r\n\r\n'),
  )
  const part = event?.parts[0]
  assert.ok(event !== undefined && part !== undefined)
  assert.equal(part.text, 'b c')
  assert.equal(
    applyEdits(event.text, [{ part, start: 0, end: 3, replacement: 'x' }]),
    'data: {"a":\r\ndata:"x",\r\ndata: "d":1}\r\n\r\n',
  )
})

test('data that is no JSON is text line by line, and an edit keeps the event whole', () => {
  const [event] = streamReader('sse', anyReading).push(Buffer.from('data: one\ndata: two\n\n'))
  assert.deepEqual(
    event?.parts.map((part) => [part.channel, part.whole, part.text]),
    [
      ['data', false, 'one'],
      ['data', false, 'two'],
    ],
  )
  const part = event?.parts[1]
  assert.ok(event !== undefined && part !== undefined)
  assert.equal(
    applyEdits(event.text, [{ part, start: 0, end: 3, replacement: 'a\nb' }]),
    'data: one\ndata: a\ndata: b\n\n',
  )
})

test('an event that is not UTF-8 is latin1, and the others are not', () => {
  const bytes = Buffer.concat([
    Buffer.from('data: {"a":"'),
    Buffer.from([0xe9]),
    Buffer.from('"}\n\ndata: {"a":"é"}\n\n'),
  ])
  const events = streamReader('sse', anyReading).push(bytes)
  assert.deepEqual(
    events.map((event) => [event.charset, event.parts[0]?.text]),
    [
      ['latin1', 'é'],
      ['utf8', 'é'],
    ],
  )
})

test('comments, blank frames and the end mark have no texts', () => {
  const events = streamReader('sse', anyReading).push(
    Buffer.from(': keep-alive\n\nevent: ping\n\ndata:\n\ndata: [DONE]\n\n'),
  )
  assert.ok(events.every((event) => event.parts.length === 0))
  assert.deepEqual(events.at(-1)?.ends, ['*'])
})

test('an event beyond the bound, and texts without end, are refused', () => {
  const code = (expected: string) => (thrown: unknown) => thrown instanceof SallyportError && thrown.code === expected
  assert.throws(
    () => streamReader('sse', anyReading, 10).push(Buffer.from('data: 123456789')),
    code('sallyport_too_large'),
  )
  const reader = streamReader('lines', anyReading)
  const many = Array.from({ length: 5000 }, (_, i) => `{"${letters(i)}":{"text":"x"}}\n`)
  assert.throws(() => reader.push(Buffer.from(many.join(''))), code('upstream_invalid'))
})

function letters(n: number): string {
  return n.toString(26).replace(/\d/g, (digit) => String.fromCharCode(113 + Number(digit)))
}

test('comments, ids and names of events that are more than a word are texts, and words are none', () => {
  const reader = streamReader('sse', anyReading)
  const text = ': ann@corp.example\n\nevent: message_delta\nid: bob@corp.example\nretry: 10\ndata: {"a":"hello"}\n\n'
  const events = reader.push(Buffer.from(text))
  assert.deepEqual(
    events.map((event) => event.parts.map((part) => [part.text, event.text.slice(part.place.start, part.place.end)])),
    [
      [['ann@corp.example', 'ann@corp.example']],
      [],
      [
        ['bob@corp.example', 'bob@corp.example'],
        ['hello', 'hello'],
      ],
    ],
  )
})

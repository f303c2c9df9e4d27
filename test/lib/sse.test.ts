import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SseFrameTooLarge, sseDataInPlace, sseFields, sseFramer } from '../../src/lib/sse.ts'

test('every cut of a stream gives the same frames, and their bytes are the input', () => {
  for (const [name, text] of Object.entries(streams)) {
    const bytes = Buffer.from(text)
    const whole = framesOf([bytes])
    for (let cut = 0; cut <= bytes.length; cut++) {
      assert.deepEqual(framesOf([bytes.subarray(0, cut), bytes.subarray(cut)]), whole, `${name} cut at ${cut}`)
    }
    assert.deepEqual(framesOf([...bytes].map((byte) => Buffer.from([byte]))), whole, `${name} byte by byte`)
    assert.equal(whole.map((frame) => frame.text).join(''), text, name)
  }
})

test('any mixture of line ends, cut anywhere, gives the same frames', () => {
  const piece = fc.constantFrom('\r', '\n', '\r\n', 'data: x', ':c', 'event: y', 'é', ' ')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 24 }), fc.array(fc.nat(60), { maxLength: 6 }), (pieces, cuts) => {
      const bytes = Buffer.from(pieces.join(''))
      const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length]
      const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i], end))
      const frames = framesOf(chunks)
      assert.deepEqual(frames, framesOf([bytes]))
      assert.equal(frames.map((frame) => frame.text).join(''), bytes.toString())
    }),
    { numRuns: 500 },
  )
})

test('a frame is released with its blank line, whatever the line ends', () => {
  for (const [end, expected] of [
    ['\n', 1],
    ['\r\n', 1],
  ] as const) {
    const framer = sseFramer(1000)
    assert.equal(framer.push(Buffer.from(`data: a${end}${end}`)).length, expected)
  }
  const framer = sseFramer(1000)
  assert.equal(framer.push(Buffer.from('data: a\r\r')).length, 1, 'a bare CR stream shows itself in the first frame')
})

test('a comment in front of the fields is a frame of its own and is not held back', () => {
  const framer = sseFramer(1000)
  assert.equal(framer.push(Buffer.from(': keep-alive\n')).length, 1)
})

test('the leftover of a stream is an unfinished frame', () => {
  assert.deepEqual(framesOf([Buffer.from('data: a\n\ndata: b\n')]), [
    { text: 'data: a\n\n', complete: true },
    { text: 'data: b\n', complete: false },
  ])
})

test('fields are read as the standard says', () => {
  const cases: [string, string, string[]][] = [
    ['event: add\ndata: 1\n\n', 'add', ['1']],
    ['data:1\ndata: 2\ndata:  3\n\n', '', ['1', '2', ' 3']],
    ['data\n\n', '', ['']],
    ['data:\n\n', '', ['']],
    ['\uFEFFdata: x\r\ndata: y\r\n\r\n', '', ['x', 'y']],
    ['dataX: 1\nid: 7\n: data: 2\nda: 3\n\n', '', []],
    ['event: a\revent: b\rdata: {"a":"b: c"}\r\r', 'b', ['{"a":"b: c"}']],
  ]
  for (const [frame, event, data] of cases) {
    const fields = sseFields(frame)
    assert.equal(fields.event, event)
    assert.deepEqual(
      fields.data.map((span) => frame.slice(span.start, span.end)),
      data,
    )
  }
})

test('several data lines are joined at their own offsets', () => {
  const frame = 'event: x\ndata: {"a":\ndata: "b"}\n\n'
  const { text, start, end } = sseDataInPlace(frame, sseFields(frame).data)
  assert.equal(text.length, frame.length)
  assert.deepEqual(JSON.parse(text.slice(start, end)), { a: 'b' })
  assert.equal(text.indexOf('"b"'), frame.indexOf('"b"'))
})

test('a line end inside a JSON string of several data lines is still there', () => {
  const frame = 'data: {"a":"b\ndata: c"}\n\n'
  const { text, start, end } = sseDataInPlace(frame, sseFields(frame).data)
  assert.throws(() => JSON.parse(text.slice(start, end)))
})

test('a large frame in small pieces comes out whole, and the bound holds', () => {
  const framer = sseFramer(30_000_000)
  const piece = Buffer.alloc(1024, 'a')
  for (let i = 0; i < 20_000; i++) assert.equal(framer.push(piece).length, 0)
  const [frame] = framer.push(Buffer.from('\n\n'))
  assert.equal(frame?.bytes.length, 20_000 * 1024 + 2)
  const small = sseFramer(10)
  assert.throws(() => small.push(Buffer.from('data: 12345')), SseFrameTooLarge)
})

function framesOf(chunks: readonly Uint8Array[]) {
  const framer = sseFramer(1_000_000)
  const frames = chunks.flatMap((chunk) => framer.push(chunk))
  const rest = framer.end()
  if (rest !== undefined) frames.push(rest)
  return frames.map((frame) => ({ text: Buffer.from(frame.bytes).toString(), complete: frame.complete }))
}

const streams = {
  plain: 'event: a\ndata: 1\n\ndata: 2\n\n',
  crlf: ': hi\r\n\r\nevent: a\r\ndata: 1\r\n\r\ndata: é\r\n\r\n',
  cr: 'data: 1\r\rdata: 2\r\r: c\r\rdata: 3\r',
  mixed: 'data: 1\r\n\ndata: 2\n\r\ndata: 3\r\n\r\r\ndata: 4\r\n',
  bom: '\uFEFFdata: 1\n\n\n\n:c\ndata: 2\n',
}

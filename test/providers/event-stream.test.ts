import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { messageEvents, openMessage } from '../../src/providers/event-stream.ts'
import { awsChunk, awsEvent } from './samples/bedrock.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

test('a message that the documentation spells out is read', () => {
  // Four bytes of total length, four of headers, their CRC, nothing, and the CRC of all.
  const bytes = Buffer.from('000000100000000005c248eb7d98c8ff', 'hex')
  const [message] = messageEvents(1_000).push(bytes)
  assert.deepEqual(message, bytes)
  assert.deepEqual(text(openMessage(bytes).content), '')
})

test('messages cut anywhere are the same messages', () => {
  const all = [awsEvent('a', { text: 'one' }), awsChunk({ text: 'two' }), awsEvent('c', {})]
  const bytes = Buffer.concat(all)
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
      const framer = messageEvents(10_000)
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length]
      const found = places.slice(1).flatMap((end, i) => framer.push(bytes.subarray(places[i], end)))
      assert.deepEqual(found.map(text), all.map(text))
      assert.equal(framer.end(), undefined)
    }),
  )
})

test('a message says its type and content, and takes another content', () => {
  const opened = openMessage(awsEvent('contentBlockDelta', { delta: 1 }))
  assert.deepEqual([opened.event, text(opened.content)], ['contentBlockDelta', '{"delta":1}'])
  const changed = openMessage(opened.frame(Buffer.from('{"delta":"longer"}')))
  assert.deepEqual([changed.event, text(changed.content)], ['contentBlockDelta', '{"delta":"longer"}'])
})

test('a document in base64 is opened, and put back in its place', () => {
  const opened = openMessage(awsChunk({ text: 'é' }))
  assert.equal(text(opened.content), '{"text":"é"}')
  const changed = opened.frame(Buffer.from('{"text":"longer"}'))
  assert.equal(text(openMessage(changed).content), '{"text":"longer"}')
  assert.match(text(changed), /"p":"abcd"\}/)
})

test('headers of every type are stepped over', () => {
  const headers = Buffer.concat([
    ...[0, 1].map((type) => Buffer.from([1, 98, type])),
    ...[
      [2, 1],
      [3, 2],
      [4, 4],
      [5, 8],
      [8, 8],
      [9, 16],
    ].map(([type, size]) => Buffer.concat([Buffer.from([1, 98, type as number]), Buffer.alloc(size as number)])),
    Buffer.from([1, 98, 6, 0, 2, 1, 2]),
  ])
  const kind = Buffer.concat([Buffer.from([11]), Buffer.from(':event-type'), Buffer.from([7, 0, 1, 122])])
  const opened = openMessage(messageOf(Buffer.concat([headers, kind])))
  assert.equal(opened.event, 'z')
})

test('what is damaged is refused, and what is too large', () => {
  const good = Buffer.from(awsEvent('a', { text: 'one' }))
  for (let at = 0; at < good.length; at++) {
    const bad = Buffer.from(good)
    bad[at] = (bad[at] as number) ^ 1
    assert.throws(() => messageEvents(1e6).push(bad).map(openMessage), { code: 'upstream_invalid' }, `byte ${at}`)
  }
  assert.throws(() => messageEvents(20).push(good), { code: 'sallyport_too_large' })
})

test('a message that broke off is passed on unread', () => {
  const framer = messageEvents(1_000)
  const part = Buffer.from(awsEvent('a', { text: 'one' })).subarray(0, 30)
  assert.deepEqual(framer.push(part), [])
  const rest = framer.end()
  assert.deepEqual(rest, part)
  assert.deepEqual([text(openMessage(part).content), openMessage(part).frame(Buffer.from('x'))], ['', part])
})

/** A message with these bytes as headers. */
function messageOf(headers: Buffer): Uint8Array {
  const [crc, length] = [crc32Of, 16 + headers.length]
  const prelude = Buffer.alloc(8)
  prelude.writeUInt32BE(length, 0)
  prelude.writeUInt32BE(headers.length, 4)
  const head = Buffer.concat([prelude, crc(prelude), headers])
  return Buffer.concat([head, crc(head)])
}

function crc32Of(bytes: Uint8Array): Buffer {
  // CRC-32 of ISO 3309, bit by bit: the other implementation to compare with.
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  const out = Buffer.alloc(4)
  out.writeUInt32BE((crc ^ 0xffffffff) >>> 0)
  return out
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectionOptions, contentLength, endToEnd, mediaType, valuesOf, withHeader } from '../../src/http/headers.ts'

test('hop-by-hop fields and those that Connection names are removed; order, case and duplicates of the rest stay', () => {
  const headers = [
    'Host',
    'a',
    'Connection',
    'X-Secret, close',
    'X-Secret',
    '1',
    'X-B',
    '1',
    'x-b',
    '2',
    'Keep-Alive',
    'timeout=5',
    'Proxy-Authorization',
    'Basic x',
    'TE',
    'trailers',
    'Transfer-Encoding',
    'chunked',
  ]
  assert.deepEqual(endToEnd(headers), ['Host', 'a', 'X-B', '1', 'x-b', '2'])
})

test('Connection cannot strip what frames, addresses or authenticates the message', () => {
  const headers = [
    'Host',
    'a',
    'Content-Length',
    '3',
    'Authorization',
    'Bearer x',
    'Connection',
    'content-length, host, authorization',
  ]
  assert.deepEqual(endToEnd(headers), ['Host', 'a', 'Content-Length', '3', 'Authorization', 'Bearer x'])
})

test('attestation headers never go on', () => {
  assert.deepEqual(endToEnd(['Sallyport-Attestation', 'x', 'X-Nexus-Attestation', 'y', 'A', 'b']), ['A', 'b'])
})

test('several Connection fields are one list', () => {
  assert.deepEqual(connectionOptions(['Connection', 'A, close', 'connection', 'b ,']), ['a', 'b'])
})

test('many options of Connection and many fields are not looked up one by one', () => {
  const options = Array.from({ length: 400_000 }, (_, index) => `o${index}`)
  const fields = options.flatMap((_, index) => [`f${index}`, ''])
  assert.equal(endToEnd(['Connection', options.join(','), ...fields]).length, fields.length)
})

test('a header is replaced where it stands, once, or added', () => {
  assert.deepEqual(withHeader(['A', '1', 'b', '2', 'a', '3'], 'a', '9'), ['A', '9', 'b', '2'])
  assert.deepEqual(withHeader(['A', '1'], 'B', '2'), ['A', '1', 'B', '2'])
})

test('lengths and media types are read strictly', () => {
  assert.equal(contentLength(['Content-Length', '12']), 12)
  for (const bad of ['-1', '1e3', '0x10', '12 13', ''])
    assert.equal(contentLength(['content-length', bad]), undefined, bad)
  assert.equal(mediaType(['Content-Type', 'Application/JSON; charset=utf-8']), 'application/json')
  assert.equal(mediaType([]), '')
  assert.deepEqual(valuesOf(['a', '1', 'A', '2'], 'a'), ['1', '2'])
})

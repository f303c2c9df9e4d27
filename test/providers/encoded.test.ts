import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dataUriContent, isBinary, looksEncoded, plainName } from '../../src/providers/encoded.ts'

const all = (check: (text: string, start: number, end: number) => boolean, text: string): boolean =>
  check(`"${text}"`, 1, text.length + 1)

test('base64 is encoded, whatever its length; text anywhere in it makes it text', () => {
  const long = Buffer.alloc(30_000, 'abc').toString('base64')
  for (const text of ['AAAA', 'ab+/=', 'ab_-', 'a\\/b', long, `${long}\\/${long}`])
    assert.ok(all(looksEncoded, text), text.slice(0, 20))
  for (const text of ['a b', 'a.b', 'a\\nb', `${long} ${long}`, `secret: ${long}`, `${long}\\n${long}`, `${long}.`]) {
    assert.ok(!all(looksEncoded, text), text.slice(0, 20))
  }
})

test('a data URI of bytes is told from text and from other addresses', () => {
  assert.equal(dataUriContent('"data:image/png;base64,iVBORw0KGgo="', 1, 35), 23)
  for (const text of ['data:text/plain,hello', 'data:;base64,not encoded', 'https://x.example/a.png', 'data:']) {
    assert.equal(dataUriContent(text, 0, text.length), 0, text)
  }
})

test('names that could be values do not stand in paths', () => {
  for (const name of ['city', 'file_path', 'Content-Type']) assert.ok(plainName(name))
  for (const name of ['a1', 'ann@corp.example', '', 'two words', 'x'.repeat(33)]) assert.ok(!plainName(name), name)
})

test('bytes are told from text by what they are', () => {
  assert.ok(isBinary('abc\0def'))
  assert.ok(isBinary('\u0001\u0002a'))
  assert.ok(!isBinary('text\twith\r\nlines'))
  assert.ok(!isBinary(''))
})

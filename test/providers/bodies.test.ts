import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonBody, otherTexts } from '../../src/providers/bodies.ts'
import { applyEdits } from '../../src/providers/json-text.ts'
import { anything } from '../../src/providers/shape.ts'

const texts = (body: string, type: string): string[][] =>
  otherTexts(body, type, anything).map((part) => [part.path, part.text])

test('a JSON body may have a byte order mark; a bare number is text', () => {
  assert.ok(jsonBody('\uFEFF{"a":1}') !== undefined)
  assert.ok(jsonBody('"a"') !== undefined)
  assert.equal(jsonBody('4111111111111111'), undefined)
  assert.equal(jsonBody('{"a"'), undefined)
})

test('a form is read value by value, and its names only where they are more than names', () => {
  const body = 'user=ann%40corp.example&text=a+b%0Ac&empty=&alone%20word&k1=v&=x'
  assert.deepEqual(texts(body, 'application/x-www-form-urlencoded; charset=utf-8'), [
    ['user', 'ann@corp.example'],
    ['text', 'a b\nc'],
    ['{3}', 'alone word'],
    ['{4}', 'v'],
    ['{5}', 'x'],
  ])
  const [part] = otherTexts(body, 'application/x-www-form-urlencoded', anything)
  assert.ok(part !== undefined)
  const edited = applyEdits(body, [{ part, start: 0, end: 3, replacement: 'b&b' }])
  assert.equal(edited, body.replace('ann', 'b%26b'))
})

test('lines of JSON are read line by line, with one that is none the whole is text', () => {
  assert.deepEqual(texts('{"a":"x"}\n\n{"b":["y"]}', 'application/x-ndjson'), [
    ['[0].a', 'x'],
    ['[2].b[0]', 'y'],
  ])
  assert.deepEqual(texts('{"a":"x"}\nnope', 'application/x-ndjson'), [['', '{"a":"x"}\nnope']])
  assert.deepEqual(texts('12\n34', 'text/plain'), [['', '12\n34']])
})

test('bytes have no texts, whatever their type says', () => {
  assert.deepEqual(texts('\u0089PNG\0\0', 'text/plain'), [])
  assert.deepEqual(texts('a secret', 'image/png'), [['', 'a secret']])
})

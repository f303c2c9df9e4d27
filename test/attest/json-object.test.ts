import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonObjectIn } from '../../src/attest/json-object.ts'

const read = (text: string): unknown => jsonObjectIn(Buffer.from(text))

test('an object is read, and nothing else is one', () => {
  assert.deepEqual(read('{"a":1,"b":{"c":[]}}'), { a: 1, b: { c: [] } })
  for (const text of [
    '',
    '[]',
    'null',
    '"a"',
    '1',
    '{"a":1,"a":2}',
    '{"a":1}x',
    '{a:1}',
    `{"a":${'['.repeat(9)}${']'.repeat(9)}}`,
  ])
    assert.equal(read(text), undefined, text)
  assert.equal(jsonObjectIn(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), undefined)
})

test('an object that is cut at any byte is none', () => {
  const whole = '{"alg":"EdDSA","kid":"laptop-7"}'
  for (let length = 0; length < whole.length; length++) assert.equal(read(whole.slice(0, length)), undefined)
})

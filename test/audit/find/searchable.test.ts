import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { folded, searchable } from '../../../src/audit/find/searchable.ts'

const has = (body: string, text: string): boolean => [...searchable(body)].some((part) => part.includes(folded(text)))

test('letters are compared whatever their case, in every script', () => {
  const cases: [string, string, boolean][] = [
    ['Grüße', 'GRÜSSE', true],
    ['GRÜSSE', 'grüße', true],
    ['Ärger', 'ÄRGER', true],
    ['A\u0308rger', 'ärger', true],
    ['Ärger', 'arger', false],
    ['ΟΔΟΣ', 'οδος', true],
    ['οδος', 'ΟΔΟΣ Α'.slice(0, 4), true],
    ['ПРИВЕТ', 'привет', true],
    ['İstanbul', 'i\u0307stanbul', true],
    ['漢字かな', '字か', true],
    ['one 😀 two', '😀', true],
    ['one 😀 two', '😁', false],
    ['100%_', '100%_', true],
    ['100x_', '100%_', false],
  ]
  for (const [body, text, found] of cases) assert.equal(has(body, text), found, `${body} ${text}`)
})

test('escapes of JSON are read, and what is written can be found as well', () => {
  const body = String.raw`{"content":"Gr\u00fc\u00dfe, \"Welt\"\nzwei\/drei \ud83d\ude00 C:\\temp"}`
  for (const text of [
    'Grüße',
    'grüsse, "welt"',
    'WELT"\nzwei/drei',
    '😀',
    'c:\\temp',
    String.raw`gr\u00fc`,
    '"content":"',
  ]) {
    assert.ok(has(body, text), text)
  }
  const nested = JSON.stringify({ arguments: JSON.stringify({ name: 'Grüße\n' }) }).replaceAll('ü', String.raw`\\u00fc`)
  assert.ok(has(nested, 'grüße\n'))
  assert.ok(!has(body, 'welt\\nzwei drei'))
})

test('the pieces of a streamed answer are put together', () => {
  const openai = ['Hel', 'lo, Gr', '\\u00fc\\u00dfe', ' world']
    .map((piece) => `data: {"id":"x","choices":[{"index":0,"delta":{"content":"${piece}"}}]}\n\n`)
    .join('')
  assert.ok(has(`${openai}data: [DONE]\n\n`, 'hello, grüsse WORLD'))
  const anthropic = [0, 0, 1, 0]
    .map((index, i) => `event: content_block_delta\ndata: {"index":${index},"delta":{"text":"p${i} "}}\n\n`)
    .join('')
  assert.ok(has(anthropic, 'p0 p1 p3'))
  assert.ok(!has(anthropic, 'p1 p2'))
  assert.ok(has('{"message":{"content":"one "}}\n{"message":{"content":"two"}}\n', 'one two'))
  assert.ok(has('[{"candidates":[{"text":"one "}]},\n{"candidates":[{"text":"two"}]}]', 'one two'))
  assert.ok(!has('{"a":"one ","b":"two"}', 'one two'))
})

test('what a body holds is found, however it is put into JSON', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.string({ unit: 'grapheme' }), (text, around) => {
      const json = JSON.stringify({ content: around + text + around })
      const ascii = json.replaceAll(
        /[^\u0020-\u007E]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      )
      // A backslash in the text may make an escape of what follows it, once more than it was written.
      fc.pre(!/\\/.test(text + around))
      // Letters may be composed with their neighbours.
      fc.pre(folded(around + text + around).includes(folded(text)))
      assert.ok(has(json, text) && has(ascii, text))
    }),
  )
})

test('a text is found anywhere in a body of many megabytes', () => {
  const body = `${'x'.repeat(4 * 2 ** 20 - 3)}needle${'y'.repeat(5 * 2 ** 20)}`
  assert.ok(has(body, 'NEEDLE'))
  assert.ok(!has(body, 'noodle'))
})

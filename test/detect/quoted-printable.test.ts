import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unquoted } from '../../src/detect/escapes.ts'
import { hexAt, quotedPrintable } from '../../src/detect/quoted-printable.ts'

test('quoted-printable is several signs near one another, or a soft line break', () => {
  const read = (text: string): string[] => Array.from(unquoted(text)).flatMap((form) => form?.text ?? [])
  assert.deepEqual(read('=41=4Bx'), ['AKx'])
  assert.deepEqual(read('AK=\r\nIA'), ['AKIA'])
  for (const text of ['a=41', 'x = 41, y == 42', 'const a =\n  b', `a=41${' '.repeat(90)}b=42`])
    assert.deepEqual(read(text), [])
})

test('one sign counts at the end of a text that goes on', () => {
  assert.deepEqual([...quotedPrintable('a=41', 0, 4, true)], [{ start: 1, end: 4, text: 'A' }])
  assert.deepEqual([...quotedPrintable('a=41', 0, 3, true)], [])
})

test('hexadecimal digits are all there or none', () => {
  assert.deepEqual(
    [hexAt('x4b', 1, 2), hexAt('x4B', 1, 2), hexAt('x4', 1, 2), hexAt('x4g', 1, 2)],
    [0x4b, 0x4b, -1, -1],
  )
})

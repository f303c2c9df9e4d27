import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lastWindow } from '../../src/detect/escape-windows.ts'
import * as escapes from '../../src/detect/escapes.ts'

const unescaped = (text: string) => [...escapes.unescaped(text)].filter((form) => form !== undefined)

test('escapes far from one another are in windows of their own', () => {
  const far = 'word '.repeat(100)
  assert.deepEqual(
    Array.from(unescaped(`\\u0041${far}\\u0042`), ({ text }) => [text.includes('A'), text.includes('B')]),
    [
      [true, false],
      [false, true],
    ],
  )
})

test('a long stretch of escapes is in windows that overlap', () => {
  const forms = [...unescaped('\\u0041'.repeat(20_000))]
  assert.ok(forms.length > 2)
  for (let i = 1; i < forms.length; i++) {
    assert.ok((forms[i - 1]?.endOf(forms[i - 1]?.text.length ?? 0) ?? 0) > (forms[i]?.startOf(0) ?? 0) + 1_000)
  }
})

test('the last window reaches to where the text is cut, or there is none', () => {
  const change = { start: 0, end: 6, text: 'A' }
  assert.equal(lastWindow('\\u0041bc', [change], 8)?.text, 'Abc')
  assert.equal(lastWindow('abc', [], 3), undefined)
  assert.equal(lastWindow('abc%', [], 3)?.text, 'abc')
  assert.equal(lastWindow(`\\u0041${' bc'.repeat(100)}`, [change], 306), undefined)
})

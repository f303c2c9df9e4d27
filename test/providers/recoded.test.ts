import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  asBase64,
  asQuoted,
  asUtf8,
  base64Text,
  quotedText,
  utf8Text,
  wholeNumber,
} from '../../src/providers/recoded.ts'

test('a number of seven digits or more is told by its digits, however it is written', () => {
  const cases: [string, string | undefined][] = [
    ['4111111111111111', '4111111111111111'],
    ['-4111111111111111', '-4111111111111111'],
    ['4111111111111111.0', '4111111111111111'],
    ['4.111111111111111E15', '4111111111111111'],
    ['4.111111111111111e+15', '4111111111111111'],
    ['41.5e8', '4150000000'],
    ['123456', undefined],
    ['0.4111111111111111', undefined],
    ['4111111111111111.5', undefined],
    ['4.1E-15', undefined],
    ['1e99', `1${'0'.repeat(99)}`],
    ['1e999', undefined],
    ['true', undefined],
  ]
  for (const [raw, text] of cases) assert.equal(wholeNumber(raw), text, raw)
})

test('base64 that holds a text is one, in both alphabets; bytes, and what is no base64 of text, are none', () => {
  const text = 'Zürich, ann@corp.example\nnext line '.repeat(40)
  for (const raw of [Buffer.from(text).toString('base64'), Buffer.from(text).toString('base64url')]) {
    assert.equal(base64Text(raw), text)
    assert.equal(asBase64(text, raw), raw)
  }
  const lines = (
    Buffer.from(text)
      .toString('base64')
      .match(/.{1,76}/g) ?? []
  ).join('\r\n')
  assert.equal(base64Text(lines), text)
  for (const bytes of ['\u0089PNG\r\n', '%PDF-1.7 all text', `${text}\0`, ''])
    assert.equal(base64Text(Buffer.from(bytes, 'latin1').toString('base64')), undefined)
  for (let cut = 6; cut < 300; cut++)
    assert.equal(base64Text(Buffer.from(text.repeat(2).slice(0, cut)).toString('base64')), text.repeat(2).slice(0, cut))
})

test('what is spelled is read back', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 6 }).filter((one) => !/[\u0000-\u001f]/.test(one))
  fc.assert(
    fc.property(text, (one) => {
      assert.equal(base64Text(asBase64(one, '')), one.startsWith('%PDF-') ? undefined : one)
      assert.equal(quotedText(asQuoted(one)), one)
      assert.equal(utf8Text(asUtf8(one)), one)
    }),
  )
  assert.equal(quotedText('a=3Db=\r\nc=C3=A9'), 'a=bcé')
  assert.equal(utf8Text('\u00e9'), '\u00e9')
})

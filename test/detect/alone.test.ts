import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aloneIdentifier, alonePhone, standsAlone } from '../../src/detect/alone.ts'

test('a value stands alone as a whole text, or as all that a message in JSON says', () => {
  const cases: [text: string, value: string, key: string, alone: boolean][] = [
    ['430839074344', '430839074344', '', true],
    ['430839074344', '430839074344', 'content', true],
    ['430839074344', '430839074344', 'order_id', false],
    ['it is 430839074344', '430839074344', '', false],
    ['430839074344 is it', '430839074344', '', false],
    ['{"role":"user","content":"430839074344"}', '430839074344', '', true],
    ['{"role":"user","content":"430839074344 "}', '430839074344', '', false],
    ['{"order":"430839074344"}', '430839074344', '', false],
    ['{\\"text\\": \\"430839074344\\"}', '430839074344', '', true],
  ]
  for (const [text, value, key, alone] of cases) {
    const start = text.indexOf(value)
    assert.equal(standsAlone({ text, start, end: start + value.length, key }), alone, text)
  }
})

test('alone, a number with check digits or the form of a document is an identifier', () => {
  const site = (value: string) => ({ text: value, start: 0, end: value.length })
  for (const value of ['430839074344', '4308-3907-4344', 'K440821552', 'L46X43T78', 'XK4408215', '12/345/67890']) {
    assert.equal(aloneIdentifier(value, site(value)), value !== 'L46X43T78', value)
  }
  for (const value of ['430839074345', '20261121', 'hello', '1.2.3.4', '2222222222']) {
    assert.equal(aloneIdentifier(value, site(value)), false, value)
  }
})

test('alone, a national number is a telephone number', () => {
  const site = (value: string) => ({ text: value, start: 0, end: value.length })
  for (const value of ['2125550142', '0171 555 0142', '(212) 555-0142', '03012345678']) {
    assert.equal(alonePhone(value, site(value)), true, value)
  }
  for (const value of ['1125550142', '12345', '2026-11-21']) assert.equal(alonePhone(value, site(value)), false, value)
  assert.equal(alonePhone('2125550142', { text: 'order 2125550142', start: 6, end: 16 }), false)
})

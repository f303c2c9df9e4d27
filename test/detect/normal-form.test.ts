import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { normalForm, normalize } from '../../src/detect/normal-form.ts'

test('ASCII and text that is normal already has no other form', () => {
  for (const text of ['', 'plain text', 'Grüße aus Köln', '한국어', '😀 ok'])
    assert.equal(normalForm(text), undefined, text)
})

const cases: [what: string, text: string, normal: string][] = [
  ['full-width digits', 'no. ４１１１', 'no. 4111'],
  ['zero-width characters', 'AK\u200bIA\u2060X', 'AKIAX'],
  ['soft hyphens', 'pass\u00adword', 'password'],
  ['ligatures', 'ﬁle', 'file'],
  ['a combining mark after an ASCII letter', 'cafe\u0301', 'café'],
  ['no-break spaces', '1\u00a02', '1 2'],
  ['a byte order mark', '\ufeffabc', 'abc'],
  ['mathematical letters', '𝐬𝐤-x', 'sk-x'],
]

for (const [what, text, normal] of cases) {
  test(`the normal form resolves ${what}`, () => {
    assert.equal(normalForm(text)?.text, normal)
  })
}

test('places in the normal form lead back to the original', () => {
  const text = 'key: ＡＫ\u200bＩＡ end'
  const form = normalForm(text)
  const start = form?.text.indexOf('AKIA') ?? -1
  assert.equal(text.slice(form?.startOf(start), form?.endOf(start + 4)), 'ＡＫ\u200bＩＡ')
})

test('the way back is monotonous, and covers the text, for any text', () => {
  const characters = fc.constantFrom(
    'a',
    '1',
    ' ',
    'é',
    'e\u0301',
    '\u200b',
    '\u00ad',
    'ﬁ',
    '４',
    '😀',
    '한',
    '\u0301',
    '\ud800',
  )
  fc.assert(
    fc.property(fc.array(characters, { maxLength: 40 }), (list) => {
      const text = list.join('')
      const form = normalForm(text)
      if (form === undefined) return
      let last = 0
      for (let i = 0; i < form.text.length; i++) {
        const start = form.startOf(i)
        const end = form.endOf(i + 1)
        assert.ok(start >= 0 && start < end && end <= text.length)
        assert.ok(start >= last)
        last = start
      }
      assert.equal(form.endOf(0), 0)
    }),
  )
})

test('a text taken in steps of any length has the same form', () => {
  const unit = fc.constantFrom(
    'a',
    'é',
    'e\u0301',
    '\u0301',
    '\u200b',
    'ａ',
    '각',
    '\u1100\u1161',
    '😀',
    '\ud800',
    'ﷺ',
    ' ',
  )
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 40 }), fc.integer({ min: 1, max: 9 }), (list, step) => {
      const text = list.join('')
      const steps = normalize(text)
      while (steps.advance(step)) continue
      const form = steps.form()
      const whole = normalForm(text)
      assert.equal(form?.text, whole?.text)
      if (whole === undefined) return
      for (let i = 0; i <= whole.text.length; i++) {
        assert.deepEqual([form?.startOf(i), form?.endOf(i)], [whole.startOf(i), whole.endOf(i)])
      }
    }),
  )
})

test('the words of a language stay as they are, and one beside ASCII is folded, in slices of any length', () => {
  for (const [text, read] of [
    ['сон, а не ток', undefined],
    ['сон, а не tок', 'сон, а не tok'],
    ['昨天晚上，ток', '昨天晚上,ток'],
    ['ток\u0301 сон\u200b', 'то\u045c сон'],
  ] as const) {
    for (let slice = 1; slice <= text.length; slice++) {
      const normalizing = normalize(text)
      while (normalizing.advance(slice));
      assert.equal(normalizing.form()?.text, read)
      assert.equal(normalizing.form()?.text, read)
    }
  }
})

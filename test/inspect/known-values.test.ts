import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import { knownValues } from '../../src/inspect/known-values.ts'

test('a text made to cost much hides more than it must, never less', () => {
  const runs = Array.from({ length: 400 }, (_, i) => 'a'.repeat(100 + i))
  const text = `${'a'.repeat(99)}b`.repeat(2_000)
  const hostile = `${text}${'a'.repeat(300)}b${text}`
  const places = knownValues([...runs, 'x'.repeat(20_000)])?.find(hostile) ?? []
  assert.ok(places.some(({ start, end }) => start <= text.length && end >= text.length + 300))
  const same = 'a'.repeat(300_000)
  assert.deepEqual(knownValues(['a'.repeat(100_000)])?.find(same), [{ start: 0, end: same.length }])
  assert.equal(knownValues(['a'.repeat(100_000)])?.pendingFrom('a'.repeat(50_000)), 50_000 - 511)
})

test('nothing to look for is no search', () => {
  assert.equal(knownValues([]), undefined)
  assert.equal(knownValues(['abc', '']), undefined)
})

test('values are found wherever they stand, overlapping ones as one place', () => {
  const known = knownValues(['abcd', 'cdef', 'abcdxyz'])!
  assert.deepEqual(known.find('-abcdef-abcdxyz-xabcd'), [
    { start: 1, end: 7 },
    { start: 8, end: 15 },
    { start: 17, end: 21 },
  ])
  assert.deepEqual(known.find('abc def'), [])
})

test('after masking what was found no value is left', () => {
  const letters = fc.constantFrom('a', 'b', 'c')
  const value = fc.string({ unit: letters, minLength: 4, maxLength: 7 })
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 12 }),
      fc.string({ unit: letters, maxLength: 60 }),
      (values, text) => {
        const places = knownValues(values)!.find(text)
        const masked = places
          .toReversed()
          .reduce((rest, { start, end }) => `${rest.slice(0, start)}#${rest.slice(end)}`, text)
        for (const one of values) assert.ok(!masked.includes(one))
        assert.equal(
          places.length > 0,
          values.some((one) => text.includes(one)),
        )
      },
    ),
  )
})

test('the end of a text is pending from where a value could begin', () => {
  const known = knownValues(['hunter22', 'terminal'])!
  assert.equal(known.pendingFrom('say hunter'), 4)
  assert.equal(known.pendingFrom('say hunteR'), 10)
  assert.equal(known.pendingFrom('say hunter22'), 12)
  assert.equal(known.pendingFrom('say unter'), 6)
})

test('thousands of values that begin alike are found in time that grows with the text', () => {
  const values = Array.from({ length: 20_000 }, (_, i) => `AKIA${String(i).padStart(16, '0')}`)
  const found = knownValues(values)?.find(values.slice(0, 4_000).join(' ')) ?? []
  assert.equal(found.length, 4_000)
  assert.deepEqual(found[1], { start: 21, end: 41 })
})

test('a text looked through in slices has the values of the whole, wherever it is cut', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' '), maxLength: 60 })
  const values = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 2, maxLength: 6 }), {
    maxLength: 12,
  })
  fc.assert(
    fc.property(text, values, fc.integer({ min: 1, max: 20 }), (text, values, step) => {
      const known = knownValues(values, 2)
      if (known === undefined) return
      const found: { start: number; end: number }[] = []
      for (let from = 0; from < text.length; from += step) known.findBetween(text, from, from + step, found)
      assert.deepEqual(found, known.find(text))
    }),
  )
})

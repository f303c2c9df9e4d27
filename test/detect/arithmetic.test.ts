import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { digitsOf, isDate, luhn, mod11and10, remainder, same, verhoeff, weighted } from '../../src/detect/arithmetic.ts'

const digits = fc.array(fc.nat(9), { minLength: 6, maxLength: 18 })

for (const [name, check] of Object.entries({ luhn, verhoeff, mod11and10 })) {
  test(`${name} accepts exactly one of ten last digits, and no single digit can be changed`, () => {
    fc.assert(
      fc.property(digits, fc.nat(), fc.integer({ min: 1, max: 9 }), (body, where, change) => {
        const valid = Array.from({ length: 10 }, (_, last) => [...body, last]).filter((all) => check(all.join('')))
        assert.equal(valid.length, 1)
        const changed = [...(valid[0] as number[])]
        const at = where % changed.length
        changed[at] = ((changed[at] as number) + change) % 10
        assert.equal(check(changed.join('')), false)
      }),
    )
  })
}

test('remainders of long numbers are those of big integers, letters counting as 10 to 35', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 10n ** 40n }), (number) => {
      assert.equal(remainder(String(number), 97), Number(number % 97n))
    }),
  )
  assert.equal(remainder('Z1', 97), 351 % 97)
})

test('dates are those of the calendar', () => {
  const cases: [number, number, number, boolean][] = [
    [2024, 2, 29, true],
    [2023, 2, 29, false],
    [1900, 2, 29, false],
    [2000, 2, 29, true],
    [85, 4, 31, false],
    [85, 0, 1, false],
    [85, 12, 31, true],
  ]
  for (const [year, month, day, valid] of cases) assert.equal(isDate(year, month, day), valid)
})

test('only digits are looked at', () => {
  assert.deepEqual(digitsOf('a1-2 3'), [1, 2, 3])
  assert.equal(weighted([1, 2, 3], [3, 2, 1]), 10)
  assert.equal(same([7, 7, 7]), true)
  assert.equal(same([7, 7, 8]), false)
})

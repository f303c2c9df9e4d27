import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  packCodes,
  packNames,
  packNumbers,
  unpackCodes,
  unpackNames,
  unpackNumbers,
} from '../../../src/audit/find/column-codec.ts'

test('columns come out of the file as they went in, to the last bit', () => {
  const milliseconds = fc.integer({ min: 0, max: 2 ** 31 }).map((micros) => micros / 1_000)
  const times = fc.integer({ min: 0, max: 2 ** 30 }).map((ms) => Date.UTC(2026, 0, 1) + ms)
  const known = fc.oneof(
    fc.integer(),
    milliseconds,
    fc.double(),
    fc.constantFrom(-0, 2 ** 53, -(2 ** 31), 0.1 + 0.2, Infinity, -Infinity),
  )
  const columns = [
    fc.array(fc.double()),
    fc.array(milliseconds),
    fc.array(times),
    fc.array(known),
    fc.array(fc.maxSafeInteger()),
  ]
  const column = fc.oneof(...columns).chain((numbers) => fc.shuffledSubarray([...numbers, Number.NaN]))
  fc.assert(
    fc.property(column, fc.array(fc.integer({ min: 0, max: 65_535 })), (numbers, codes) => {
      assert.deepStrictEqual(unpackNumbers(packNumbers(Float64Array.from(numbers))), Float64Array.from(numbers))
      assert.deepEqual(unpackCodes(packCodes(Uint16Array.from(codes))), Uint16Array.from(codes))
    }),
    { numRuns: 300 },
  )
  assert.deepEqual(unpackNames(packNames([null, 'gpt-5.1', '漢字'])), [null, 'gpt-5.1', '漢字'])
})

test('whole numbers and milliseconds take half the room', () => {
  const random = fc.sample(fc.integer({ min: 0, max: 2 ** 30 }), 2_000)
  const micros = packNumbers(Float64Array.from(random, (number) => number / 1_000)).length
  const any = packNumbers(Float64Array.from(random, (number) => Math.sqrt(number + 0.5))).length
  assert.ok(micros < 0.65 * any, `${micros} ${any}`)
})

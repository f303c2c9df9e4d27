import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { compileKeywords } from '../../src/detect/keywords.ts'
import { passesOver } from '../../src/detect/pass.ts'
import { compileRules, ruleBook } from '../../src/detect/rule-book.ts'
import type { Choice } from '../../src/detect/rule-book.ts'
import { packs, packTexts } from '../support/packs.ts'

const choices: readonly Choice[] = [
  { types: ['SECRET'], minConfidence: 0.8 },
  { exclude: ['SECRET'], minConfidence: 0.5 },
  {},
  { packs: ['pii'], types: ['EMAIL', 'PHONE', 'US_SSN'] },
  { exclude: ['EMAIL', 'phone-national'], minConfidence: 0.6 },
]
const book = ruleBook(packs)
const together = choices.map((choice) => book.choose(choice))
const apart = choices.map((choice) => compileRules(packs, choice))
const some = fc.subarray([...choices.keys()], { minLength: 1 })
const keys = fc.option(fc.constantFrom('password', 'token', 'ssn', 'content'), { nil: undefined })

test('sets of one book find in one pass what each finds alone', () => {
  fc.assert(
    fc.property(packTexts, keys, some, fc.integer({ min: 1, max: 300 }), (text, key, which, step) => {
      const [pass, ...more] = passesOver(which.map((index) => together[index]!))
      assert.ok(pass !== undefined && more.length === 0)
      const reading = pass.read(text, { key })
      while (reading.advance(step)) continue
      const found = reading.found()
      assert.deepEqual(
        which.map((_, member) => found[pass.placeOf[member]!]),
        which.map((index) => apart[index]!.find(text, { key })),
      )
    }),
    { numRuns: 300 },
  )
})

test('what they wait for in one pass is no later than what each waits for alone, at any cut', () => {
  fc.assert(
    fc.property(packTexts, fc.nat(), some, fc.integer({ min: 1, max: 300 }), (whole, cut, which, step) => {
      const text = whole.slice(0, cut % (whole.length + 1))
      const [pass] = passesOver(which.map((index) => together[index]!))
      const reading = pass!.read(text)
      while (reading.advance(step)) continue
      assert.ok(reading.pendingFrom() <= Math.min(...which.map((index) => apart[index]!.pendingFrom(text))))
    }),
    { numRuns: 600 },
  )
})

test('two texts can be read by turns', () => {
  const [pass] = passesOver(together)
  const first = pass!.read('write to dora@north-hill.org and use AKIAQ3EG')
  const second = pass!.read('AKIAQ3EGTSK7DYM4XWZN')
  first.advance(Infinity)
  const pending = first.pendingFrom()
  second.advance(3)
  second.advance(Infinity)
  assert.equal(first.pendingFrom(), pending)
  assert.deepEqual(
    first.found()[2]?.map((match) => match.type),
    ['EMAIL'],
  )
  assert.equal(second.found()[2]?.length, 1)
})

test('sets alike share a pass, sets of different kinds do not', () => {
  const words = compileKeywords({ words: ['falcon'], patterns: [], caseSensitive: false, name: 'a' })
  const passes = passesOver([together[0]!, words, together[1]!, words, apart[0]!, together[0]!])
  assert.deepEqual(
    passes.map(({ members }) => members),
    [[0, 2, 5], [1, 3], [4]],
  )
  assert.deepEqual(passes[0]!.placeOf, [0, 1, 0])
  const reading = passes[1]!.read('the falcon')
  assert.equal(reading.advance(1), false)
  assert.equal(reading.found()[passes[1]!.placeOf[1]!]?.length, 1)
})

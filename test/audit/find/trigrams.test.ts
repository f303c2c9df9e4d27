import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { separator, trigramThinner } from '../../../src/audit/find/trigrams.ts'

const thinned = trigramThinner()

function trigramsOf(text: string): Set<string> {
  const characters = [...text]
  const all = characters.map((_, i) => characters.slice(i, i + 3)).filter((three) => three.length === 3)
  return new Set(all.map((three) => three.join('')).filter((one) => !one.includes(separator) && one.isWellFormed()))
}

test('what is indexed of a long text has all its trigrams and few of them twice', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', 'c', ' ', 'ä', '漢', '😀', '😁', '\0'),
    minLength: 200,
    maxLength: 400,
  })
  fc.assert(
    fc.property(text, (short) => {
      const long = short.repeat(60)
      fc.pre(long.length > 8_192)
      const kept = thinned(long)
      assert.ok(kept.length < long.length)
      assert.equal(kept.includes('\0'), false)
      const [wanted, found] = [trigramsOf(long.replaceAll('\0', separator)), trigramsOf(kept)]
      assert.deepEqual(
        [...wanted].filter((one) => !found.has(one)),
        [],
      )
    }),
    { numRuns: 30 },
  )
})

test('a short text is left as it is', () => {
  assert.equal(thinned('a short text'), 'a short text')
  assert.equal(thinned('a\0b'), `a${separator}b`)
})

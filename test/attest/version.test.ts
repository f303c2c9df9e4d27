import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isAtLeast } from '../../src/attest/version.ts'

test('versions compare number by number, and a pre-release comes before its release', () => {
  const enough: [string, string][] = [
    ['1.4', '1.4'],
    ['1.4.0', '1.4'],
    ['1.4', '1.4.0.0'],
    ['1.10', '1.9'],
    ['2', '1.99.99'],
    ['1.4.0+build.7', '1.4'],
    ['1.5.0-rc.1', '1.4'],
    ['999999999.0', '2'],
  ]
  const notEnough: [string, string][] = [
    ['1.3.9', '1.4'],
    ['1.4.0-rc.1', '1.4'],
    ['1.4-rc.1+b', '1.4'],
    ['0.9', '1'],
    ['', '1.4'],
    ['v9.9', '1.4'],
    ['9.9.9.9.9', '1.4'],
    ['9.', '1.4'],
    ['9..9', '1.4'],
    ['latest', '1.4'],
    ['9999999999', '1.4'],
    ['9.9', 'nonsense'],
  ]
  for (const [version, least] of enough) assert.ok(isAtLeast(version, least), `${version} ${least}`)
  for (const [version, least] of notEnough) assert.ok(!isAtLeast(version, least), `${version} ${least}`)
})

test('of two versions one is at least the other, and only equal ones are both', () => {
  const numbers = fc.array(fc.nat(20), { minLength: 1, maxLength: 4 })
  const padded = (some: number[]): string => [...some, 0, 0, 0].slice(0, 4).join('.')
  fc.assert(
    fc.property(numbers, numbers, (a, b) => {
      const [left, right] = [isAtLeast(a.join('.'), b.join('.')), isAtLeast(b.join('.'), a.join('.'))]
      assert.ok(left || right)
      assert.equal(left && right, padded(a) === padded(b))
    }),
  )
})

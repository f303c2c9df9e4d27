import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { newShares, shares } from '../../src/app/shares.ts'

test('each may have what it has and its part of what is free', () => {
  assert.deepEqual(shares(10, [0, 0]), [5, 5])
  assert.deepEqual(shares(10, [5, 0]), [8, 2])
  assert.deepEqual(shares(10, [6, 4]), [6, 4])
  assert.deepEqual(shares(4, [6, 0]), [6, 0])
  assert.deepEqual(shares(5, [0, 0, 0]), [2, 2, 1])
})

test('together never more than the limit, and never less than it while somebody wants more', () => {
  const counts = fc.array(fc.nat(100), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(fc.nat(500), counts, (limit, held) => {
      const all = held.reduce((sum, count) => sum + count, 0)
      assert.equal(
        shares(limit, held).reduce((sum, count) => sum + count, 0),
        Math.max(all, limit),
      )
    }),
  )
})

test('however late messages come, together they never hold more than the limit, and in the end all of it can be used', () => {
  const steps = fc.array(fc.tuple(fc.nat(2), fc.constantFrom('opens', 'closes', 'says', 'hears')), { maxLength: 200 })
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 40 }), steps, (limit, all) => {
      const processes = [0, 1, 2].map(() => ({ open: 0, share: Math.floor(limit / 3), inbox: [] as number[] }))
      const known = processes.map(({ open, share }) => ({ open, share, told: undefined as number | undefined }))
      const say = (i: number): void => {
        const { open, share } = processes[i]!
        known[i] = { open, share, told: known[i]!.told === share ? undefined : known[i]!.told }
        for (const [to, next] of newShares(limit, known).entries()) {
          if (next === undefined) continue
          known[to]!.told = next
          processes[to]!.inbox.push(next)
        }
      }
      const hear = (i: number): void => {
        processes[i]!.share = processes[i]!.inbox.shift() ?? processes[i]!.share
      }
      for (const [i, what] of all) {
        const one = processes[i]!
        if (what === 'opens' && one.open < one.share) one.open += 1
        if (what === 'closes' && one.open > 0) one.open -= 1
        if (what === 'says') say(i)
        if (what === 'hears') hear(i)
        assert.ok(processes.reduce((sum, { open }) => sum + open, 0) <= limit)
      }
      for (let round = 0; round < 10 * limit; round += 1) {
        for (const i of [0, 1, 2]) {
          hear(i)
          say(i)
        }
        if (processes[0]!.open < processes[0]!.share) processes[0]!.open += 1
      }
      assert.equal(
        processes.reduce((sum, { open }) => sum + open, 0),
        limit,
      )
    }),
  )
})

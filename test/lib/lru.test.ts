import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import { lru } from '../../src/lib/lru.ts'

test('the entry used longest ago makes room, and a read counts as a use', () => {
  const evicted: string[] = []
  const cache = lru<string, number>({ max: 2, onEvict: (key) => evicted.push(key) })
  cache.set('a', 1)
  cache.set('b', 2)
  assert.equal(cache.get('a'), 1)
  cache.set('c', 3)
  assert.deepEqual(evicted, ['b'])
  assert.equal(cache.peek('b'), undefined)
  assert.equal(cache.size(), 2)
})

test('a peek does not save an entry from eviction', () => {
  const cache = lru<string, number>({ max: 2 })
  cache.set('a', 1)
  cache.set('b', 2)
  assert.equal(cache.peek('a'), 1)
  cache.set('c', 3)
  assert.equal(cache.peek('a'), undefined)
})

test('a value heavier than the whole cache is not kept, and takes the old one with it', () => {
  const cache = lru<string, string>({ max: 10, weigh: (value) => value.length })
  cache.set('a', 'small')
  cache.set('a', 'much too long for it')
  assert.equal(cache.peek('a'), undefined)
  assert.equal(cache.weight(), 0)
})

test('the weight held never exceeds the maximum, and is the sum of what is there', () => {
  const step = fc.tuple(fc.constantFrom('set', 'get', 'delete'), fc.nat(9), fc.nat(12))
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const cache = lru<number, number>({ max: 20, weigh: (value) => value })
      for (const [kind, key, value] of steps) {
        if (kind === 'set') cache.set(key, value)
        else if (kind === 'get') cache.get(key)
        else cache.delete(key)
        let sum = 0
        for (let k = 0; k < 10; k += 1) sum += cache.peek(k) ?? 0
        assert.equal(cache.weight(), sum)
        assert.ok(sum <= 20)
      }
    }),
  )
})

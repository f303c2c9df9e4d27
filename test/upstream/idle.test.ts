import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idle } from '../../src/upstream/idle.ts'

test('what was used last is taken first, each key for itself', () => {
  const pool = idle<string>({ perKey: 10, total: 10, evicted: () => undefined })
  pool.put('a', 'a1')
  pool.put('b', 'b1')
  pool.put('a', 'a2')
  assert.deepEqual(
    [pool.take('a'), pool.take('a'), pool.take('a'), pool.take('b'), pool.take('c')],
    ['a2', 'a1', undefined, 'b1', undefined],
  )
  assert.equal(pool.size(), 0)
})

test('what is removed is not taken', () => {
  const pool = idle<string>({ perKey: 10, total: 10, evicted: () => undefined })
  pool.put('a', 'a1')
  pool.put('a', 'a2')
  pool.remove('a', 'a1')
  pool.remove('a', 'unknown')
  pool.remove('c', 'a2')
  assert.deepEqual([pool.size(), pool.take('a'), pool.take('a')], [1, 'a2', undefined])
})

test('what has been idle longest makes room, within its key and in all', () => {
  const evicted: string[] = []
  const pool = idle<string>({ perKey: 2, total: 3, evicted: (one) => void evicted.push(one) })
  for (const one of ['a1', 'a2', 'a3']) pool.put('a', one)
  assert.deepEqual(evicted, ['a1'])
  pool.put('b', 'b1')
  pool.put('b', 'b2')
  assert.deepEqual(evicted, ['a1', 'a2'])
  assert.equal(pool.size(), 3)
  assert.deepEqual([pool.take('a'), pool.take('a')], ['a3', undefined])
})

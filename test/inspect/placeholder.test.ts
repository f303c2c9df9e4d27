import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import { checks, derive, pendingPlaceholder, respelled, shapeAt } from '../../src/inspect/placeholder.ts'

const key = Buffer.alloc(32, 7)
const one = derive(key, 'EMAIL', 'ann@example.org')

test('what is derived checks with its key alone, and every sign of it counts', () => {
  assert.ok(checks(key, one) && !checks(Buffer.alloc(32, 8), one))
  for (let at = one.lastIndexOf('_') + 1; at < one.length; at++) {
    const other = one[at] === 'a' ? 'b' : 'a'
    assert.ok(!checks(key, one.slice(0, at) + other + one.slice(at + 1)), `sign ${at}`)
  }
})

test('every beginning of a placeholder is held, and nothing behind a whole one', () => {
  for (let end = 1; end < one.length; end++) assert.equal(pendingPlaceholder(`so ${one.slice(0, end)}`), 3)
  assert.equal(pendingPlaceholder(`so ${one}`), 3 + one.length)
  assert.equal(pendingPlaceholder(`so ${one}s and more`), 3 + one.length + 10)
  assert.deepEqual(shapeAt(`${one}s`, 0), { kind: 'whole', end: one.length, changed: false })
})

test('ordinary text is not held for a placeholder, but for a last letter that could begin one', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const pending = pendingPlaceholder(text)
      assert.ok(pending === text.length || text.slice(pending).startsWith('Q'))
    }),
  )
})

test('what was spelled anew is told in its own spelling; what is as it should be is not', () => {
  assert.deepEqual(respelled(`see ${one}.`), [])
  assert.deepEqual(respelled(`see ${one.toLowerCase()}.`), [{ start: 4, end: 4 + one.length, exact: one }])
  const escaped = one.replaceAll('_', '\\_')
  assert.deepEqual(respelled(`see ${escaped}.`), [{ start: 4, end: 4 + escaped.length, exact: one }])
})

test('texts made to look long are looked through in linear time', () => {
  for (const text of [
    'qx_'.repeat(50_000),
    `qx_${'a_'.repeat(50_000)}`,
    `QX ${' '.repeat(100_000)}`,
    'qx-a'.repeat(30_000),
  ])
    assert.deepEqual(respelled(text), [])
})

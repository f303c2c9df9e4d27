import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  actionOf,
  address,
  distinct,
  failedAct,
  firstObjects,
  flag,
  idOf,
  int32,
  kindOf,
  number,
  objects,
  port,
  succeeded,
  sum,
  text,
  timeOf,
  titleOf,
  toolNames,
  whole,
} from '../../../src/audit/formats/fields.ts'

test('a column is of its type or is not there', () => {
  assert.deepEqual(
    [text({ a: 'x' }, 'a'), text({ a: 1 }, 'a'), text({ a: '' }, 'a'), text({ a: null }, 'a')],
    ['x', '1', undefined, undefined],
  )
  assert.deepEqual(
    [number({ a: 1.5 }, 'a'), number({ a: '1' }, 'a'), number({ a: Number.NaN }, 'a')],
    [1.5, undefined, undefined],
  )
  assert.deepEqual([whole({ a: 1.5 }, 'a'), whole({}, 'a')], [2, undefined])
  assert.deepEqual([flag({ a: 1 }, 'a'), flag({ a: 0 }, 'a'), flag({ a: 2 }, 'a')], [true, false, undefined])
  assert.deepEqual([address({ a: '::1' }, 'a'), address({ a: 'x' }, 'a')], ['::1', undefined])
  assert.deepEqual([port({ port: 0 }), port({ port: 65_536 }), port({ port: 1.5 })], [0, undefined, undefined])
})

test('lists hold objects or nothing', () => {
  assert.deepEqual(objects({ a: [{ b: 1 }, 'x', null, []] }, 'a'), [{ b: 1 }])
  assert.deepEqual(objects({ a: 'not json' }, 'a'), [])
  assert.equal(firstObjects({ a: Array.from({ length: 100_000 }, () => ({})) }, 'a').length, 1_000)
  assert.deepEqual(distinct({ a: [{ b: 'x' }, { b: 'x' }, { b: 'y' }, {}] }, 'a', 'b'), ['x', 'y'])
  assert.deepEqual(toolNames({ tools: { called: ['a', null, 'b'] } }, 'called'), ['a', 'b'])
  assert.deepEqual(toolNames({ tools: null }, 'offered'), [])
})

test('a sum is of what is known, and a count of 32 bits has an end', () => {
  assert.deepEqual([int32(7), int32(2 ** 40), int32(undefined)], [7, 2_147_483_647, undefined])
  assert.equal(sum({ a: 1, b: null, c: 2 }, 'a', 'b', 'c'), 3)
  assert.equal(sum({ a: null }, 'a', 'b'), undefined)
})

test('a time that is none is the beginning of 1970', () => {
  assert.equal(timeOf({ at: '1970-01-01T00:00:01.000Z' }), 1_000)
  assert.equal(timeOf({ at: 'never' }), 0)
})

test('each row has a kind, a title and an id', () => {
  assert.equal(kindOf('exchanges', { decision: 'block' }), 'exchange:block')
  assert.equal(kindOf('exchanges', { decision: null, state: 'lost' }), 'exchange:lost')
  assert.equal(kindOf('connections', {}), 'connection:unknown')
  assert.equal(actionOf('events', { what: 'key.create' }), 'key.create')
  assert.equal(titleOf('events', { what: 'key.create' }), 'key.create')
  assert.equal(titleOf('exchanges', { decision: 'block' }), 'LLM exchange blocked')
  assert.equal(titleOf('connections', { handling: 'new' }), 'connection new')
  assert.equal(idOf('checkpoints', { number: 3 }), '3')
  assert.equal(idOf('events', { id: 'a' }), 'a')
})

test('success is what was asked for', () => {
  assert.equal(succeeded('exchanges', { state: 'open' }), undefined)
  assert.equal(succeeded('exchanges', { state: 'done', decision: 'block', status: 403 }), false)
  assert.equal(succeeded('connections', { handling: 'rejected-leaf' }), false)
  assert.equal(succeeded('connections', { handling: 'tunnel' }), true)
  assert.equal(succeeded('events', { what: 'policy.refused' }), false)
  assert.equal(succeeded('checkpoints', { reason: 'interval' }), true)
  assert.equal(failedAct('login.failed'), true)
})

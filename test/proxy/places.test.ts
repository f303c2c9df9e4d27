import assert from 'node:assert/strict'
import { test } from 'node:test'
import { places } from '../../src/proxy/places.ts'

const first = '203.0.113.1'
const second = '203.0.113.2'
const at = (address: string) => ({ address, port: 443 })

test('an address is one of a name that resolves to it now, or has lately', () => {
  let now = 0
  const { placeOf } = places({ now: () => now, keepMs: 100, maxNames: 10 })
  assert.equal(placeOf(at(first), 'a.test', [first]), 'there')
  now = 60
  assert.equal(placeOf(at(first), 'a.test', [second]), 'there')
  now = 110
  assert.equal(placeOf(at(first), 'a.test', [second]), 'elsewhere')
  assert.equal(placeOf(at(second), 'a.test', []), 'there')
  now = 300
  assert.equal(placeOf(at(second), 'a.test', [first]), 'elsewhere')
})

test('it is nobody’s to say where the address is not told, or the name never resolved', () => {
  const { placeOf } = places({ now: () => 0, keepMs: 100, maxNames: 10 })
  assert.equal(placeOf(undefined, 'a.test', [first]), 'unknown')
  assert.equal(placeOf(at(first), 'b.test', []), 'unknown')
})

test('addresses are compared in one spelling', () => {
  const { placeOf } = places({ now: () => 0, keepMs: 100, maxNames: 10 })
  assert.equal(placeOf(at(first), 'a.test', [`::ffff:${first}`]), 'there')
  assert.equal(placeOf(at('2606:4700::1'), 'b.test', ['2606:4700:0:0:0:0:0:1']), 'there')
})

test('names do not share addresses, and those beyond what there is room for are forgotten', () => {
  const { placeOf } = places({ now: () => 0, keepMs: 100, maxNames: 2 })
  placeOf(at(first), 'a.test', [first])
  assert.equal(placeOf(at(first), 'b.test', [second]), 'elsewhere')
  placeOf(at(first), 'c.test', [second])
  assert.equal(placeOf(at(first), 'a.test', []), 'unknown')
  const many = Array.from({ length: 200 }, (_, i) => `10.0.0.${i}`)
  for (const address of many) placeOf(at(first), 'd.test', [address])
  assert.equal(placeOf(at('10.0.0.0'), 'd.test', []), 'elsewhere')
  assert.equal(placeOf(at('10.0.0.199'), 'd.test', []), 'there')
})

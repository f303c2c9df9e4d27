import assert from 'node:assert/strict'
import test from 'node:test'
import { rejections } from '../../src/tls/rejections.ts'

test('a refusal counts for that client and host only, and for a bounded time', () => {
  let at = 1_000
  const table = rejections({ ms: 500, max: 10, now: () => at })
  table.note('10.0.0.1', 'a.example')
  assert.equal(table.tunnelUntil('10.0.0.1', 'a.example'), 1_500)
  assert.equal(table.tunnelUntil('10.0.0.2', 'a.example'), undefined)
  assert.equal(table.tunnelUntil('10.0.0.1', 'b.example'), undefined)
  at = 1_500
  assert.equal(table.tunnelUntil('10.0.0.1', 'a.example'), undefined)
  assert.equal(table.size(), 0)
})

test('a new refusal begins the time again', () => {
  let at = 0
  const table = rejections({ ms: 500, max: 10, now: () => at })
  table.note('10.0.0.1', 'a.example')
  at = 400
  table.note('10.0.0.1', 'a.example')
  at = 800
  assert.equal(table.tunnelUntil('10.0.0.1', 'a.example'), 900)
})

test('the table is bounded: the oldest refusals make room', () => {
  const table = rejections({ ms: 500, max: 3, now: () => 0 })
  for (let i = 0; i < 10; i += 1) table.note('10.0.0.1', `h${i}.example`)
  assert.equal(table.size(), 3)
  assert.equal(table.tunnelUntil('10.0.0.1', 'h6.example'), undefined)
  assert.equal(table.tunnelUntil('10.0.0.1', 'h7.example'), 500)
})

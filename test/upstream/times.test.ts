import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkEveryMs, handshakeMs } from '../../src/upstream/times.ts'

test('times are looked at four times within the shortest, within bounds', () => {
  for (const [headersTimeoutMs, idleTimeoutMs, every] of [
    [600_000, 600_000, 1_000],
    [400, 600_000, 100],
    [600_000, 200, 50],
    [1, 1, 10],
  ] as const) {
    assert.equal(checkEveryMs({ headersTimeoutMs, idleTimeoutMs }), every)
  }
})

test('a handshake has a minute, or less where answers have less', () => {
  assert.equal(handshakeMs({ headersTimeoutMs: 600_000, idleTimeoutMs: 1 }), 60_000)
  assert.equal(handshakeMs({ headersTimeoutMs: 500, idleTimeoutMs: 1 }), 500)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureLimiter } from '../../src/attest/failures.ts'

function limited(from = 0) {
  const clock = { now: from }
  const failures = failureLimiter({ now: () => clock.now })
  const fail = (address: string, times: number): void => {
    for (let i = 0; i < times; i++) failures.failed(address)
  }
  return { clock, fail, admits: failures.admits, succeeded: failures.succeeded }
}

test('a hundred failures are looked at, then ten a second', () => {
  const { clock, fail, admits } = limited()
  fail('192.0.2.1', 99)
  assert.ok(admits('192.0.2.1'))
  fail('192.0.2.1', 1)
  assert.ok(!admits('192.0.2.1'))
  clock.now = 99
  assert.ok(!admits('192.0.2.1'))
  clock.now = 100
  assert.ok(admits('192.0.2.1'))
  fail('192.0.2.1', 1)
  assert.ok(!admits('192.0.2.1'))
})

test('what is over does not have to be paid back', () => {
  const { clock, fail, admits } = limited()
  fail('192.0.2.1', 10_000)
  clock.now = 1_000
  assert.ok(admits('192.0.2.1'))
  fail('192.0.2.1', 10)
  assert.ok(!admits('192.0.2.1'))
})

test('nobody pays for another address; an IPv6 network of 64 bits is one, and an IPv4 address in IPv6 is itself', () => {
  const { fail, admits } = limited()
  fail('2001:db8:0:1::1', 100)
  fail('::ffff:192.0.2.1', 100)
  fail('unknown', 100)
  const expected = {
    '2001:db8:0:1:ffff::2': false,
    '2001:db8:0:2::1': true,
    '192.0.2.1': false,
    '192.0.2.2': true,
    unknown: false,
  }
  for (const [address, admitted] of Object.entries(expected)) assert.equal(admits(address), admitted, address)
})

test('a clock that is put back neither blocks for long nor gives anything away', () => {
  const half = limited(1_000_000)
  half.fail('192.0.2.1', 50)
  half.clock.now = 0
  assert.ok(half.admits('192.0.2.1'))
  half.fail('192.0.2.1', 49)
  assert.ok(half.admits('192.0.2.1'))
  half.fail('192.0.2.1', 1)
  assert.ok(!half.admits('192.0.2.1'))
  const { clock, fail, admits } = limited(1_000_000)
  fail('192.0.2.1', 100)
  clock.now = 0
  assert.ok(!admits('192.0.2.1'))
  fail('192.0.2.1', 1)
  clock.now = 200
  assert.ok(admits('192.0.2.1'))
})

test('many addresses together are looked at a thousand times, then three hundred a second; not so those from which something good came', () => {
  const { clock, fail, admits, succeeded } = limited()
  succeeded('192.0.2.1')
  for (let i = 0; i < 999; i++) fail(`10.0.${i >> 8}.${i & 255}`, 1)
  assert.ok(admits('198.51.100.1'))
  fail('10.1.0.0', 1)
  assert.deepEqual([admits('198.51.100.1'), admits('10.0.0.0'), admits('192.0.2.1')], [false, false, true])
  // Its own failures count for it alone.
  fail('192.0.2.1', 100)
  assert.ok(!admits('192.0.2.1'))
  clock.now = 4
  assert.deepEqual([admits('198.51.100.1'), admits('192.0.2.1')], [true, false])
  fail('198.51.100.1', 1)
  assert.ok(!admits('198.51.100.1'))
})

test('those that failed longest ago are forgotten first', () => {
  const { fail, admits, succeeded } = limited()
  fail('192.0.2.1', 100)
  const others = (count: number): void => {
    for (let i = 0; i < count; i++) {
      succeeded(`10.0.${i >> 8}.${i & 255}`)
      fail(`10.0.${i >> 8}.${i & 255}`, 1)
    }
  }
  others(9_999)
  assert.ok(!admits('192.0.2.1'))
  others(10_000)
  assert.ok(admits('192.0.2.1'))
})

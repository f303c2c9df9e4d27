import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aims, type Measured } from '../../../scripts/bench/results.ts'

const measured = (contestant: string, workload: string, exchanges: number, cpuMs = 0, p50 = 0): Measured => ({
  contestant,
  workload,
  exchanges,
  cpuMs,
  p50,
  p99: 0,
  failures: 0,
  ms: 1_000,
})

test('aims are met or missed by ratio, and left out when they were not measured', () => {
  const results = [
    measured('ours', 'chat-32', 700),
    measured('bare', 'chat-32', 1_000),
    measured('mockttp', 'chat-32', 400),
  ]
  assert.deepEqual(aims(results, new Map()), [
    'ok   rate of the bare interceptor, 2 KB, 32 at once: 0.70 (aim: at least 0.6)',
    'MISS rate of mockttp, 2 KB, 32 at once: 1.75 (aim: at least 2.5)',
  ])
})

test('costs of a new host and delays of events are differences', () => {
  const results = [
    measured('ours', 'known-host', 100, 200),
    measured('ours', 'new-host', 100, 450),
    measured('direct', 'sse-paced', 500, 0, 0.1),
    measured('ours', 'sse-paced', 500, 0, 1.6),
  ]
  assert.deepEqual(aims(results, new Map([['ours', 80e6]])), [
    'MISS added delay of an event at the median, ms: 1.50 (aim: at most 1)',
    'ok   CPU of the first exchange with a new host over one with a known host, ms: 2.50 (aim: at most 3)',
    'ok   idle memory of one worker, MB: 80.0 (aim: at most 90)',
  ])
})

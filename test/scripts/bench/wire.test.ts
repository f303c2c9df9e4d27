import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Held } from '../../../scripts/bench/held-memory.ts'
import type { Measured } from '../../../scripts/bench/results.ts'
import { wireAims } from '../../../scripts/bench/wire.ts'

const measured = (contestant: string, workload: string, exchanges: number, cpuMs: number): Measured => ({
  contestant,
  workload,
  exchanges,
  cpuMs,
  p50: 0,
  p99: 0,
  failures: 0,
  ms: 1_000,
})

const held = (contestant: string, p99: number): Held => ({
  hold: 'streams',
  title: '',
  contestant,
  count: 300,
  baseBytes: 80e6,
  bytesEach: 50_000,
  rate: 500,
  cpuMs: 10,
  events: 3_000,
  p50: 1,
  p99,
  failures: 0,
})

test('aims of the wire are ratios to the bare thing, and a delay beyond the direct way', () => {
  const results = [
    measured('ours-tunnel', 'down-1', 900, 900),
    measured('relay', 'down-1', 1_000, 800),
    measured('ours', 'handshakes', 600, 1_000),
    measured('tls-server', 'handshakes', 1_000, 1_000),
  ]
  assert.deepEqual(wireAims([held('direct', 2), held('ours', 9)], results), [
    'ok   delay added to an event at p99, 300 streams, ms: 7.00 (aim: at most 10)',
    'ok   rate of a bare relay, down-1: 0.90 (aim: at least 0.8)',
    'MISS full handshakes of a bare TLS server, by rate: 0.60 (aim: at least 0.7)',
    'MISS full handshakes of a bare TLS server, by CPU: 0.60 (aim: at least 0.7)',
  ])
})

test('what was not measured is no aim', () => {
  assert.deepEqual(wireAims([], []), [])
})

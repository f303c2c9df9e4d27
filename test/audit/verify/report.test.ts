import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultLine, reportLines } from '../../../src/audit/verify/report.ts'
import type { Verified } from '../../../src/audit/verify/source.ts'

const found: Verified = {
  ok: true,
  faults: [],
  faultCount: 0,
  ledger: 'ab',
  blocks: 1,
  rows: { exchanges: 2, connections: 0, events: 1 },
  removed: null,
  proof: { number: 4, at: 'THEN', block: 9, entries: 12, key: 'AAAA' },
  checkpoints: 4,
  head: { block: 9, at: 'LATER' },
  unsigned: { blocks: 0, entries: 0 },
  content: { checked: 1, erased: 0, lost: 0, notKept: 0, sealed: 0, skipped: 0 },
  digestsOnly: 0,
}

test('the last line says how far the proof reaches', () => {
  assert.match(
    reportLines(found).at(-1)!,
    /^ok: nothing was altered; proved up to block 9 by checkpoint 4 of THEN, key sha256:[0-9a-f]{64}$/,
  )
  const some = { ...found, unsigned: { blocks: 1, entries: 3 } }
  assert.match(reportLines(some).at(-1)!, /; 3 entries after it chained and not signed yet$/)
  assert.match(
    reportLines({ ...some, proof: null }).at(-1)!,
    /no checkpoint fits: all 3 entries of the chain are unsigned$/,
  )
})

test('faults come first, and what was not looked at is said', () => {
  const fault = { what: 'altered', table: 'exchanges', id: 'x', seq: 3, block: 2, at: 'THEN', detail: 'why' } as const
  const content = { checked: 0, erased: 1, lost: 2, notKept: 3, sealed: 4, skipped: 5 }
  const removed = { toBlock: 1, link: '', entries: 9, exchanges: 7, connections: 1, events: 1, from: 'A', to: 'B' }
  const lines = reportLines({ ...found, ok: false, faults: [fault], faultCount: 5, content, removed, digestsOnly: 6 })
  assert.equal(lines[0], 'bad: altered: exchanges x (seq 3), block 2 of THEN: why')
  assert.equal(lines[1], 'bad: and 4 more')
  for (const text of [
    '0 bodies checked, 1 erased',
    '4 not checked: their key',
    'removed up to block 1: 7 exchanges',
    '6 rows: only',
  ])
    assert.ok(lines.join('\n').includes(text), text)
  assert.match(lines.at(-1)!, /^failed: 5 faults; the chain is signed up to block 9/)
})

test('a fault of the chain or of a checkpoint is named by its number', () => {
  const at = null
  assert.equal(
    faultLine({ what: 'chain altered', table: 'chain', id: null, seq: null, block: 7, at, detail: 'why' }),
    'bad: chain altered: chain, block 7: why',
  )
  assert.equal(
    faultLine({ what: 'checkpoint signature', table: 'checkpoints', id: null, seq: 3, block: 7, at, detail: 'why' }),
    'bad: checkpoint signature: checkpoints (number 3), block 7: why',
  )
})

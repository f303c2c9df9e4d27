import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cursorsOf } from '../../../src/audit/export/cursors.ts'
import { retryLetters, type Retried } from '../../../src/audit/export/letters.ts'
import { BatchRefused, SinkError } from '../../../src/audit/sinks/sink.ts'
import { insertEvent } from '../../../src/store/events.ts'
import { openStore } from '../../../src/store/open.ts'
import { away, scriptedSink } from '../../support/scripted-sink.ts'
import { tempFolder } from '../../support/temp.ts'

function setting() {
  const db = openStore({ dir: tempFolder('letters'), durability: 'relaxed' })
  const at = new Date().toISOString()
  for (const id of ['a', 'b', 'c']) {
    const event = { id, at, who: 'ada', what: 'policy.reload' as const, before: null, after: null }
    db.transaction(() => insertEvent(db, event)).immediate()
  }
  const cursors = cursorsOf(db, Date.now)
  const letter = { table: 'events', reason: 'no', attempts: 3, block: 1 } as const
  cursors.bury(
    'soc',
    ['a', 'gone', 'b', 'c'].map((row) => ({ ...letter, row })),
  )
  cursors.bury('other', [{ ...letter, row: 'a' }])
  return { db, cursors, [Symbol.dispose]: () => void db.close() }
}

test('letters are sent again in order: those taken and those without a row go, the others stay', async () => {
  using it = setting()
  const sink = scriptedSink(
    () => undefined,
    async () => [{ index: 0, reason: 'still no' }],
    () => {
      throw new BatchRefused('nor this')
    },
  )
  const all: Retried[] = []
  const signal = new AbortController().signal
  for await (const one of retryLetters(it.db, { name: 'soc', sink, now: Date.now, signal })) all.push(one)
  assert.deepEqual(
    all.map(({ letter, outcome, reason }) => [letter.row, outcome, reason]),
    [
      ['a', 'delivered', undefined],
      ['gone', 'gone', undefined],
      ['b', 'refused', 'still no'],
      ['c', 'refused', 'nor this'],
    ],
  )
  assert.deepEqual(
    it.cursors.letters('soc', 0, 10).map(({ row, reason, attempts }) => [row, reason, attempts]),
    [
      ['b', 'still no', 4],
      ['c', 'nor this', 4],
    ],
  )
  assert.equal(it.cursors.countLetters('other'), 1)
})

test('a receiver that is away leaves the letters as they are', async () => {
  using it = setting()
  const signal = new AbortController().signal
  await assert.rejects(async () => {
    for await (const _ of retryLetters(it.db, { name: 'soc', sink: scriptedSink(away), now: Date.now, signal }));
  }, SinkError)
  assert.equal(it.cursors.countLetters('soc'), 4)
})

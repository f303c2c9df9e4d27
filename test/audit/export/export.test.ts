import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Chore } from '../../../src/audit/keeper/chores.ts'
import { exportChore, type ExportOptions } from '../../../src/audit/export/export.ts'
import { cursorsOf } from '../../../src/audit/export/cursors.ts'
import { defineSink } from '../../../src/audit/sinks/sink.ts'
import { insertEvent } from '../../../src/store/events.ts'
import { openStore, type Store } from '../../../src/store/open.ts'
import { away, scriptedSink, type ScriptedSink } from '../../support/scripted-sink.ts'
import { startRecorder } from '../../../src/audit/recorder.ts'
import { doneRow, openRow } from '../../support/ledger-rows.ts'
import { tempFolder } from '../../support/temp.ts'

type Options = { readonly type: 'scripted'; readonly name: string }

function setting(t: TestContext, sinks: Readonly<Record<string, ScriptedSink>>, over: Partial<ExportOptions> = {}) {
  const db = over.db ?? openStore({ dir: tempFolder('export'), durability: 'relaxed' })
  const notices: string[] = []
  const chore = exportChore({
    db,
    now: Date.now,
    notice: (level, message, fields) => notices.push(`${level} ${String(fields.sink)} ${message}`),
    figure: () => undefined,
    count: () => undefined,
    sinks: Object.keys(sinks).map((name) => ({ name, type: 'scripted', include: ['events'], batch: { lingerMs: 0 } })),
    types: [defineSink<Options>({ type: 'scripted', create: ({ name }) => sinks[name] as ScriptedSink })],
    contents: { read: async () => ({ kind: 'none' }) },
    version: '0',
    ...over,
  })
  t.after(async () => {
    await chore.close?.()
    db.close()
  })
  return { db, chore, notices }
}

const signal = new AbortController().signal

function add(db: Store, ...names: string[]): void {
  const at = new Date().toISOString()
  for (const id of names) {
    const event = { id, at, who: 'ada', what: 'policy.reload' as const, before: null, after: null }
    db.transaction(() => insertEvent(db, event)).immediate()
  }
}

async function runUntil(chore: Chore, holds: () => boolean): Promise<void> {
  while (!holds()) {
    await chore.run(signal)
    await sleep(2)
  }
}

const ids = (sink: ScriptedSink): unknown[] => sink.got.map(({ row }) => row.id)

test('one sink that is away or hangs holds up no other', async (t) => {
  const hangs = (_: unknown, gone: AbortSignal): Promise<never> =>
    new Promise((_resolve, reject) => gone.addEventListener('abort', () => reject(gone.reason as Error)))
  const sinks = { dead: scriptedSink(away, away, away, away), slow: scriptedSink(hangs), good: scriptedSink() }
  const { db, chore } = setting(t, sinks)
  await chore.run(signal)
  add(db, 'a', 'b', 'c')
  await runUntil(chore, () => sinks.good.got.length === 3)
  assert.deepEqual([ids(sinks.dead), ids(sinks.slow), ids(sinks.good)], [[], [], ['a', 'b', 'c']])
})

test('at the end what was committed last is delivered, but nobody waits for a sink that is away', async (t) => {
  const gone = scriptedSink(...Array.from({ length: 99 }, () => away))
  const sinks = { good: scriptedSink(), gone }
  const { db, chore } = setting(t, sinks)
  await chore.run(signal)
  add(db, 'a')
  await runUntil(chore, () => gone.calls.length > 0)
  add(db, 'b')
  await chore.last?.(AbortSignal.timeout(10_000))
  assert.deepEqual(ids(sinks.good), ['a', 'b'])
  await chore.close?.()
  assert.deepEqual([sinks.good.closed, gone.closed], [true, true])
})

test('a sink whose settings cannot be used is told and left out; the others go on', async (t) => {
  const sinks = { good: scriptedSink() }
  const include = ['events'] as const
  const { db, chore, notices } = setting(t, sinks, {
    sinks: [
      { name: 'odd', type: 'pigeon', include },
      { name: 'good', type: 'scripted', include },
    ],
  })
  await chore.run(signal)
  add(db, 'a')
  await runUntil(chore, () => sinks.good.got.length === 1)
  assert.deepEqual(notices, ['error odd a sink cannot be used'])
})

test('a sink whose files come later is used then, and told once', async (t) => {
  const sinks = { late: scriptedSink() }
  const clock = { now: Date.now() }
  let there = false
  const create = (): ScriptedSink => {
    if (!there) throw new Error('cannot read ca.pem')
    return sinks.late
  }
  const { db, chore, notices } = setting(t, sinks, {
    now: () => clock.now,
    types: [defineSink<Options>({ type: 'scripted', create })],
  })
  await chore.run(signal)
  clock.now += 61_000
  await chore.run(signal)
  assert.deepEqual(notices, ['error late a sink cannot be used'])
  there = true
  clock.now += 61_000
  await chore.run(signal)
  add(db, 'a')
  await runUntil(chore, () => sinks.late.got.length === 1)
})

test('rows that retention took from a sink are an event, which the sink gets', async (t) => {
  const sinks = { good: scriptedSink() }
  const { db, chore, notices } = setting(t, sinks)
  cursorsOf(db, Date.now).begin('good')
  add(db, 'a', 'b', 'c')
  db.exec('DELETE FROM chain WHERE n < 3; DELETE FROM events WHERE block < 3')
  await runUntil(chore, () => sinks.good.got.length === 2)
  const gap = sinks.good.got[1]?.row
  assert.deepEqual([gap?.what, gap?.subject, gap?.after], ['export.gap', 'good', { fromBlock: 1, toBlock: 2 }])
  assert.equal(notices.length, 1)
})

test('what comes while a sink cannot be used is delivered once it can, also after a restart', async (t) => {
  const dir = tempFolder('export')
  const late = scriptedSink()
  const never = defineSink<Options>({
    type: 'scripted',
    create: () => {
      throw new Error('cannot read ca.pem')
    },
  })
  const before = setting(t, { late }, { types: [never], db: openStore({ dir, durability: 'relaxed' }) })
  await before.chore.run(signal)
  add(before.db, 'a')
  await before.chore.close?.()
  const after = setting(t, { late }, { db: openStore({ dir, durability: 'relaxed' }) })
  await runUntil(after.chore, () => late.got.length === 1)
  assert.deepEqual(ids(late), ['a'])
})

test('a clock that goes back stops neither figures nor tries', async (t) => {
  const sinks = { late: scriptedSink() }
  const clock = { now: Date.now() }
  let there = false
  let lags = 0
  const create = (): ScriptedSink => {
    if (!there) throw new Error('cannot read ca.pem')
    return sinks.late
  }
  const { chore } = setting(t, sinks, {
    now: () => clock.now,
    types: [defineSink<Options>({ type: 'scripted', create })],
    figure: (name) => void (lags += name === 'export_lag_blocks' ? 1 : 0),
  })
  await chore.run(signal)
  there = true
  clock.now -= 365 * 86_400_000
  await chore.run(signal)
  clock.now -= 5_000
  await chore.run(signal)
  assert.equal(lags, 1)
})

test('a batch is as large as the bodies in it, not as they were on the wire', async (t) => {
  const dir = tempFolder('export')
  const recorder = startRecorder({ dir, durability: 'relaxed', inlineBytes: 1_000 })
  const rows = Array.from({ length: 9 }, () => openRow())
  for (const row of rows) recorder.once(row, doneRow(row.id, { responseBody: null }))
  await recorder.close()
  async function callsFor(length: number): Promise<number> {
    const sink = scriptedSink()
    const settings = { name: 'sink', type: 'scripted', include: ['exchanges'], bodies: true } as const
    const { chore } = setting(
      t,
      { sink },
      {
        db: openStore({ dir, durability: 'relaxed' }),
        contents: { read: async () => ({ kind: 'content', bytes: Buffer.alloc(length, 'a') }) },
        sinks: [{ ...settings, name: `of ${length}`, since: '2020-01-01', batch: { bytes: 100_000, lingerMs: 0 } }],
        types: [defineSink<Options>({ type: 'scripted', create: () => sink })],
      },
    )
    await runUntil(chore, () => sink.got.length >= rows.length)
    assert.deepEqual(
      ids(sink),
      rows.map(({ id }) => id),
    )
    return sink.calls.length
  }
  assert.equal(await callsFor(100), 1)
  assert.equal(await callsFor(40_000), 5)
})

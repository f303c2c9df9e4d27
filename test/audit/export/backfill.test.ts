import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backFill, type BackFillOptions, type BackFillStep } from '../../../src/audit/export/backfill.ts'
import { SinkError } from '../../../src/audit/sinks/sink.ts'
import { insertEvent } from '../../../src/store/events.ts'
import { openStore } from '../../../src/store/open.ts'
import { away, scriptedSink, type ScriptedSink } from '../../support/scripted-sink.ts'
import { tempFolder } from '../../support/temp.ts'

const day = (n: number): string => `2099-01-0${n}T00:00:00.000Z`

/** A ledger with an event of each of nine days. */
function setting() {
  const db = openStore({ dir: tempFolder('backfill'), durability: 'relaxed' })
  for (let n = 1; n <= 9; n++) {
    const event = { id: `e${n}`, at: day(n), who: 'ada', what: 'policy.reload' as const, before: null, after: null }
    db.transaction(() => insertEvent(db, event)).immediate()
  }
  const options = (sink: ScriptedSink, over: Partial<BackFillOptions> = {}): BackFillOptions => ({
    db,
    sink,
    include: ['events'],
    batch: { rows: 2, bytes: 2 ** 20 },
    since: day(3),
    signal: new AbortController().signal,
    tries: 3,
    backoff: { firstMs: 1, mostMs: 1 },
    random: () => 0,
    failed: () => undefined,
    ...over,
  })
  return { db, options, [Symbol.dispose]: () => void db.close() }
}

const ids = (sink: ScriptedSink): unknown[] => sink.got.map(({ row }) => row.id)

async function steps(options: BackFillOptions): Promise<BackFillStep[]> {
  const all: BackFillStep[] = []
  for await (const step of backFill(options)) all.push(step)
  return all
}

test('a span of time is sent in order, its end not', async () => {
  using it = setting()
  const sink = scriptedSink()
  const all = await steps(it.options(sink, { until: day(6) }))
  assert.deepEqual(ids(sink), ['e3', 'e4', 'e5'])
  assert.deepEqual(
    all.map(({ delivered, at }) => [delivered, at]),
    [
      [2, day(5)],
      [1, day(6)],
    ],
  )
  const whole = scriptedSink()
  await steps(it.options(whole, { since: day(8) }))
  assert.deepEqual(ids(whole), ['e8', 'e9'])
})

test('it is resumed by the date that it came to', async () => {
  using it = setting()
  const first = scriptedSink(() => undefined, away, away, away)
  const all: BackFillStep[] = []
  let told = 0
  const failed = (): void => void (told += 1)
  await assert.rejects(async () => {
    for await (const step of backFill(it.options(first, { failed }))) all.push(step)
  }, SinkError)
  assert.deepEqual([ids(first), told], [['e3', 'e4'], 2])
  const second = scriptedSink(away)
  await steps(it.options(second, { since: all.at(-1)?.at ?? '' }))
  assert.deepEqual(ids(second), ['e5', 'e6', 'e7', 'e8', 'e9'])
})

test('what is refused is told with the step, and a signal ends it', async () => {
  using it = setting()
  const no = async () => [{ index: 0, reason: 'no' }]
  const [first] = await steps(it.options(scriptedSink(no, no, no), { until: day(5) }))
  assert.deepEqual([first?.delivered, first?.dead.map(({ row }) => row)], [1, ['e3']])
  const signal = AbortSignal.abort()
  await assert.rejects(steps(it.options(scriptedSink(), { signal })), { name: 'AbortError' })
})

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { type Cursors, cursorsOf, startNow } from '../../../src/audit/export/cursors.ts'
import {
  type Delivery,
  type DeliveryNotice,
  type DeliveryOptions,
  startDelivery,
} from '../../../src/audit/export/delivery.ts'
import { chainReader } from '../../../src/audit/export/reader.ts'
import { SinkError } from '../../../src/audit/sinks/sink.ts'
import { insertEvent } from '../../../src/store/events.ts'
import { openStore, type Store } from '../../../src/store/open.ts'
import { away, scriptedSink, type ScriptedSink } from '../../support/scripted-sink.ts'
import { tempFolder } from '../../support/temp.ts'

type Setting = { readonly db: Store; readonly cursors: Cursors; readonly notices: DeliveryNotice[] }
type Run = (sink: ScriptedSink, over?: Partial<DeliveryOptions>) => Delivery

function setting(t: TestContext): Setting & { run: Run; add: (...ids: string[]) => void } {
  const db = openStore({ dir: tempFolder('delivery'), durability: 'relaxed' })
  t.after(() => db.close())
  const cursors = cursorsOf(db, Date.now)
  cursors.begin('soc')
  const notices: DeliveryNotice[] = []
  const run: Run = (sink, over) =>
    startDelivery({
      name: 'soc',
      sink,
      cursors,
      reader: chainReader(db, { include: ['events'], bodies: false }),
      batch: { rows: 8, bytes: 2 ** 20, lingerMs: 0 },
      now: Date.now,
      random: () => 0,
      notice: (notice) => notices.push(notice),
      ...over,
      limits: { backoff: { firstMs: 2, mostMs: 4 }, ...over?.limits },
    })
  const add = (...ids: string[]): void => {
    const at = new Date().toISOString()
    for (const id of ids) {
      const event = { id, at, who: 'ada', what: 'policy.reload' as const, before: null, after: null }
      db.transaction(() => insertEvent(db, event)).immediate()
    }
  }
  return { db, cursors, notices, run, add }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(2)
}

const ids = (sink: ScriptedSink): unknown[] => sink.got.map(({ row }) => row.id)

test('what is there is delivered in order, and what comes later when it is woken', async (t) => {
  const { db, cursors, add, run } = setting(t)
  add('a', 'b', 'c')
  const sink = scriptedSink()
  const delivery = run(sink)
  await until(() => delivery.caughtUp())
  assert.deepEqual(ids(sink), ['a', 'b', 'c'])
  add('d')
  delivery.wake()
  await until(() => delivery.caughtUp())
  assert.deepEqual(ids(sink), ['a', 'b', 'c', 'd'])
  assert.deepEqual(
    [delivery.figures().delivered, delivery.figures().state, cursors.all()[0]?.delivered],
    [4, 'idle', 4],
  )
  await delivery.stop(1_000)
  assert.equal(sink.closed, true)
  assert.deepEqual(cursors.begin('soc'), startNow(db))
})

test('a receiver that is away is tried until it is back, and told once; nothing is lost', async (t) => {
  const { add, run, notices, cursors } = setting(t)
  add(...'abcdefghijkl')
  const sink = scriptedSink(away, away, away)
  const delivery = run(sink)
  await until(() => sink.calls.length > 0)
  await until(() => delivery.caughtUp())
  assert.deepEqual(ids(sink), [...'abcdefghijkl'])
  assert.deepEqual(
    notices.map(({ kind }) => kind),
    ['failing', 'recovered'],
  )
  assert.deepEqual(delivery.figures().failures, { unreachable: 3 })
  // A receiver that failed is asked with less.
  assert.deepEqual(sink.calls.slice(0, 5), [8, 4, 2, 1, 8])
  assert.equal(cursors.all()[0]?.failures, 0)
  await delivery.stop(1_000)
})

test('what the receiver asks for as a wait is kept to, within a bound', async (t) => {
  const { add, run } = setting(t)
  add('a')
  const busy = (): never => {
    throw new SinkError('busy', { retryAfterMs: 3_600_000 })
  }
  const sink = scriptedSink(busy)
  const delivery = run(sink, { limits: { retryAfterMs: 30 } })
  const began = performance.now()
  await until(() => delivery.caughtUp())
  assert.ok(performance.now() - began >= 29)
  await delivery.stop(1_000)
})

test('refused rows become dead letters, and too many of them stop the sink until some are gone', async (t) => {
  const { add, run, notices, cursors } = setting(t)
  add('a', 'b', 'c')
  const no = async () => [{ index: 0, reason: 'never' }]
  const sink = scriptedSink(no, no)
  const delivery = run(sink, { batch: { rows: 1, bytes: 1, lingerMs: 0 }, limits: { attempts: 1, deadLetters: 2 } })
  await until(() => delivery.figures().state === 'full')
  assert.deepEqual(ids(sink), [])
  const [first, second] = cursors.letters('soc', 0, 10)
  assert.deepEqual([first?.row, second?.row, first?.attempts, first?.reason], ['a', 'b', 1, 'never'])
  assert.deepEqual(
    notices.map(({ kind }) => kind),
    ['refused', 'refused', 'full'],
  )
  cursors.dropLetter(first?.seq ?? 0)
  await until(() => delivery.caughtUp())
  assert.deepEqual(ids(sink), ['c'])
  await delivery.stop(1_000)
})

test('a stop lets the batch in flight arrive, and the next start sends what is left, once', async (t) => {
  const { add, run } = setting(t)
  add('a', 'b', 'c')
  const gate = Promise.withResolvers<void>()
  const sink = scriptedSink(() => gate.promise)
  const first = run(sink, { batch: { rows: 2, bytes: 2 ** 20, lingerMs: 0 } })
  await until(() => sink.calls.length === 1)
  const stopped = first.stop(5_000)
  gate.resolve()
  await stopped
  assert.deepEqual(ids(sink), ['a', 'b'])
  const second = run(sink)
  await until(() => second.caughtUp())
  assert.deepEqual(ids(sink), ['a', 'b', 'c'])
  await second.stop(1_000)
})

test('a stop cancels a delivery that takes too long; its rows come again', async (t) => {
  const { add, run } = setting(t)
  add('a')
  const sink = scriptedSink(
    (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  )
  const first = run(sink)
  await until(() => sink.calls.length === 1)
  await first.stop(5)
  assert.deepEqual(ids(sink), [])
  const second = run(sink)
  await until(() => second.caughtUp())
  assert.deepEqual(ids(sink), ['a'])
  await second.stop(1_000)
})

test('a stop ends the wait for a receiver that is away', async (t) => {
  const { add, run } = setting(t)
  add('a')
  const delivery = run(scriptedSink(away), { limits: { backoff: { firstMs: 600_000, mostMs: 600_000 } } })
  await until(() => delivery.figures().state === 'failing')
  await delivery.stop(1_000)
})

test('a sink that failed is failing while it is tried again, until that has come to a good end', async (t) => {
  const { add, run } = setting(t)
  add('a')
  const gate = Promise.withResolvers<void>()
  const sink = scriptedSink(away, () => gate.promise)
  const delivery = run(sink)
  await until(() => sink.calls.length === 2)
  assert.equal(delivery.figures().state, 'failing')
  gate.resolve()
  await until(() => delivery.caughtUp())
  assert.equal(delivery.figures().state, 'idle')
  await delivery.stop(1_000)
})

test('a batch that is not full waits a little for more', async (t) => {
  const { add, run } = setting(t)
  add('a')
  const sink = scriptedSink()
  const delivery = run(sink, { batch: { rows: 8, bytes: 2 ** 20, lingerMs: 30 } })
  add('b')
  await until(() => delivery.caughtUp())
  assert.deepEqual(sink.calls, [2])
  await delivery.stop(1_000)
})

test('what retention removed before it was delivered is told, once', async (t) => {
  const { db, add, run, notices } = setting(t)
  add('a', 'b', 'c')
  db.exec('DELETE FROM chain WHERE n < 3; DELETE FROM events WHERE block < 3')
  const sink = scriptedSink(away)
  const delivery = run(sink)
  await until(() => sink.got.length > 0)
  assert.deepEqual(ids(sink), ['c'])
  assert.deepEqual(
    notices.filter(({ kind }) => kind === 'gap'),
    [{ kind: 'gap', from: 1, to: 3 }],
  )
  await delivery.stop(1_000)
})

test('a cursor that cannot be kept does not lose rows: they are sent again', async (t) => {
  const { add, run, cursors } = setting(t)
  add('a')
  let broken = true
  const settle: Cursors['settle'] = (...args) => {
    if (broken) throw Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' })
    cursors.settle(...args)
  }
  const sink = scriptedSink()
  const delivery = run(sink, { cursors: { ...cursors, settle } })
  await until(() => sink.got.length > 1)
  assert.ok((delivery.figures().failures.ledger ?? 0) > 0)
  broken = false
  await until(() => delivery.caughtUp())
  assert.deepEqual(new Set(ids(sink)), new Set(['a']))
  await delivery.stop(1_000)
})

test('a cursor that only passed rows of no interest is kept once in a while, and at the end', async (t) => {
  const { db, add, run, cursors } = setting(t)
  const reader = chainReader(db, { include: ['connections'], bodies: false })
  const delivery = run(scriptedSink(), { reader, limits: { saveMs: 0 } })
  add('a', 'b')
  delivery.wake()
  await until(() => delivery.caughtUp())
  delivery.save()
  assert.deepEqual(cursors.begin('soc'), startNow(db))
  add('c')
  delivery.wake()
  await until(() => delivery.caughtUp())
  await delivery.stop(1_000)
  assert.deepEqual(cursors.begin('soc'), startNow(db))
})

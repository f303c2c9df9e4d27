import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { exportChore } from '../../src/audit/export/export.ts'
import { cursorsOf } from '../../src/audit/export/cursors.ts'
import type { SinkSettings } from '../../src/audit/export/settings.ts'
import { type Recorder, startRecorder } from '../../src/audit/recorder.ts'
import { sinks } from '../../src/audit/sinks/index.ts'
import { openStore, type Store } from '../../src/store/open.ts'
import { testAuthority } from '../support/authority.ts'
import { connectionRow, doneRow, openRow } from '../support/ledger-rows.ts'
import { type Side, sides, type SideOptions } from '../support/sink-sides.ts'
import { tempFolder } from '../support/temp.ts'

type Ledger = {
  readonly dir: string
  readonly db: Store
  readonly recorder: Recorder
  /** Ended before the database is closed. */
  readonly users: (() => Promise<void>)[]
}

function ledger(t: TestContext): Ledger {
  const dir = tempFolder('every-sink')
  const recorder = startRecorder({ dir, durability: 'relaxed', inlineBytes: 1_000 })
  const db = openStore({ dir, durability: 'relaxed' })
  cursorsOf(db, Date.now).begin('side')
  const users: Ledger['users'] = []
  t.after(async () => {
    await Promise.all(users.map((stop) => stop()))
    await recorder.close()
    db.close()
  })
  return { dir, db, recorder, users }
}

/** Rows of each table, in some transactions; what they are called. */
async function record({ recorder }: Ledger, count: number, poison = ''): Promise<string[]> {
  const names: string[] = []
  for (let i = 0; i < count; i++) {
    const row = i % 5 === 4 ? connectionRow() : openRow()
    names.push(row.id)
    if ('door' in row) {
      await recorder.open(row)
      recorder.done(doneRow(row.id, i === 7 && poison !== '' ? { finishReason: poison } : {}))
    } else recorder.connection(row)
  }
  await recorder.flush()
  return names
}

type Running = { readonly stop: () => Promise<void>; readonly failures: Set<string> }

/** The exporter, run as its keeper does. */
function exporting({ db, users }: Ledger, settings: SinkSettings): Running {
  const failures = new Set<string>()
  const chore = exportChore({
    db,
    now: Date.now,
    notice: (_level, _message, fields) => typeof fields.class === 'string' && failures.add(fields.class),
    figure: () => undefined,
    count: () => undefined,
    sinks: [settings],
    types: sinks,
    contents: { read: async () => ({ kind: 'none' }) },
    version: '0.1.0',
    limits: {
      backoff: { firstMs: 5, mostMs: 20 },
      refusedBackoff: { firstMs: 1, mostMs: 2 },
      sendMs: 2_000,
    },
  })
  const ended = new AbortController()
  const running = (async () => {
    while (!ended.signal.aborted) {
      await chore.run(ended.signal)
      await sleep(10)
    }
    await chore.close?.()
  })()
  const stop = (): Promise<void> => {
    ended.abort()
    return running
  }
  users.push(stop)
  return { stop, failures }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10)
}

const has = (side: Side, names: readonly string[]): boolean => {
  const text = side.arrived().join('\n')
  return names.every((name) => text.includes(name))
}

/** Each row, in the order of its first arrival, must be there: rows of one table in the order of the ledger. */
function inOrder(side: Side, names: readonly string[]): void {
  const arrived = side.arrived()
  const places = names.map((name) => arrived.findIndex((text) => text.includes(name)))
  assert.equal(places.indexOf(-1), -1, 'a row is missing')
  for (const table of [0, 1]) {
    const own = places.filter((_, i) => (i % 5 === 4 ? 1 : 0) === table)
    assert.deepEqual(
      own,
      own.toSorted((a, b) => a - b),
    )
  }
  assert.deepEqual(side.faults(), [])
}

async function sideOf(t: TestContext, type: string, options: SideOptions = {}): Promise<Side> {
  const kind = sides[type]
  assert.ok(kind, `${type} has no receiver in sink-sides.ts`)
  const side = kind.open(options)
  await side.start()
  t.after(side.stop)
  return side
}

for (const { type } of sinks) {
  test(`${type}: down at first, then up, down again, and up: every row arrives, in order`, async (t) => {
    const [it, side] = [ledger(t), await sideOf(t, type)]
    await side.stop()
    const first = await record(it, 25)
    const { failures } = exporting(it, side.settings())
    await until(() => failures.size > 0)
    await side.start()
    await until(() => has(side, first))
    await side.stop()
    const second = await record(it, 25)
    await side.start()
    await until(() => has(side, second))
    inOrder(side, [...first, ...second])
  })

  test(`${type}: a receiver that dies in a batch, answers half, late or not now, gets every row, and traffic goes on`, async (t) => {
    const [it, side] = [ledger(t), await sideOf(t, type)]
    const names = await record(it, 5)
    const before = exporting(it, side.settings())
    await until(() => has(side, names))
    await before.stop()
    side.trouble()
    exporting(it, side.settings())
    names.push(...(await record(it, 60)))
    await until(() => has(side, names))
    inOrder(side, names)
  })

  test(`${type}: a process that ends between delivery and cursor sends the rows again`, async (t) => {
    const [it, side] = [ledger(t), await sideOf(t, type)]
    const names = await record(it, 15)
    const before = it.db.prepare('SELECT block, position, checkpoint FROM sinks').get()
    const first = exporting(it, side.settings())
    await until(() => has(side, names))
    await first.stop()
    // As if the process had been killed: the cursor is where it was.
    it.db.prepare('UPDATE sinks SET block = :block, position = :position, checkpoint = :checkpoint').run(before)
    const more = await record(it, 5)
    exporting(it, side.settings())
    await until(() => has(side, more))
    inOrder(side, [...names, ...more])
  })

  if (sides[type]?.refusesRows) {
    test(`${type}: a row that is refused becomes a dead letter, and all others arrive`, async (t) => {
      const poison = 'poison-pill'
      const [it, side] = [ledger(t), await sideOf(t, type, { poison })]
      const names = await record(it, 25, poison)
      exporting(it, side.settings())
      const [refused] = names.splice(7, 1)
      await until(() => has(side, names))
      const letters = cursorsOf(it.db, Date.now).letters('side', 0, 10)
      assert.deepEqual(
        letters.map(({ table, row, attempts }) => [table, row, attempts]),
        [['exchanges', refused, 3]],
      )
      assert.equal(has(side, [refused ?? '']), false)
      assert.deepEqual(side.faults(), [])
    })
  }

  if (sides[type]?.refusesBatches) {
    test(`${type}: a batch that is refused as a whole arrives in halves`, async (t) => {
      const [it, side] = [ledger(t), await sideOf(t, type)]
      side.refuseBatch()
      const names = await record(it, 25)
      exporting(it, side.settings())
      await until(() => has(side, names))
      inOrder(side, names)
      assert.equal(cursorsOf(it.db, Date.now).countLetters('side'), 0)
    })
  }

  if (sides[type]?.speaksTls) {
    test(`${type}: nothing is sent to a receiver whose certificate is not trusted, all of it once it is`, async (t) => {
      const tls = testAuthority()
      const [it, side] = [ledger(t), await sideOf(t, type, { tls })]
      const [right, wrong] = [join(it.dir, 'right.pem'), join(it.dir, 'wrong.pem')]
      writeFileSync(right, tls.cert)
      writeFileSync(wrong, testAuthority('another').cert)
      const names = await record(it, 12)
      const first = exporting(it, side.settings({ ca: wrong }))
      await until(() => first.failures.has('tls'))
      assert.deepEqual(side.arrived(), [])
      await first.stop()
      exporting(it, side.settings({ ca: right }))
      await until(() => has(side, names))
      inOrder(side, names)
    })
  }
}

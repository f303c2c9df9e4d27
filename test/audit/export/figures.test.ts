import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cursorsOf } from '../../../src/audit/export/cursors.ts'
import type { Delivery, DeliveryFigures } from '../../../src/audit/export/delivery.ts'
import { exportFigures, lagOf } from '../../../src/audit/export/figures.ts'
import { insertEvent } from '../../../src/store/events.ts'
import { openStore, type Store } from '../../../src/store/open.ts'
import { tempFolder } from '../../support/temp.ts'

const add = (db: Store, at: string): void => {
  const event = { id: at, at, who: 'ada', what: 'policy.reload' as const, before: null, after: null }
  db.transaction(() => insertEvent(db, event)).immediate()
}

test('the lag is in blocks, and the age of the oldest that is waiting', () => {
  const db = openStore({ dir: tempFolder('figures'), durability: 'relaxed' })
  add(db, '2026-01-01T00:00:00.000Z')
  add(db, '2026-01-01T00:00:10.000Z')
  const lag = lagOf(db)
  const now = Date.parse('2026-01-01T00:00:15.000Z')
  assert.deepEqual(lag(3, now), { blocks: 0, seconds: 0 })
  assert.deepEqual(lag(2, now), { blocks: 1, seconds: 5 })
  assert.deepEqual(lag(1, now), { blocks: 2, seconds: 15 })
  db.close()
})

test('what has changed is told, and nothing twice', () => {
  const db = openStore({ dir: tempFolder('figures'), durability: 'relaxed' })
  add(db, '2026-01-01T00:00:00.000Z')
  const cursors = cursorsOf(db, Date.now)
  cursors.begin('soc')
  const cursor = { block: 2, position: 0, checkpoint: 0 }
  const dead = [{ table: 'events', row: 'x', block: 1, reason: 'no', attempts: 3 }] as const
  cursors.settle('soc', { cursor, delivered: 1, dead })
  const told: string[] = []
  const say = (name: string, value: number, labels?: object): void => {
    told.push(`${name} ${value} ${Object.values(labels ?? {}).join()}`)
  }
  const { update, end } = exportFigures(db, { now: () => Date.parse('2026-01-01T00:00:07Z'), figure: say, count: say })
  let figures: DeliveryFigures = {
    state: 'failing',
    cursor: { ...cursor, block: 1 },
    delivered: 5,
    batches: 2,
    refused: 1,
    missing: 0,
    failures: { tls: 2 },
    lastSuccess: 1_000,
    problem: 'x',
  }
  const delivery: Delivery = {
    wake: () => undefined,
    caughtUp: () => false,
    figures: () => figures,
    save: () => undefined,
    stop: async () => undefined,
  }
  const deliveries = new Map([['soc', delivery]])
  update(deliveries)
  assert.deepEqual(told.splice(0), [
    'export_rows_total 5 soc',
    'export_batches_total 2 soc',
    'export_refused_rows_total 1 soc',
    'export_failures_total 2 soc,tls',
    'export_up 0 soc',
    'export_dead_letters 1 soc',
    'export_lag_blocks 1 soc',
    'export_lag_seconds 7 soc',
    'export_last_success_timestamp_seconds 1 soc',
  ])
  figures = { ...figures, cursor, delivered: 6, state: 'idle', lastSuccess: 2_000 }
  update(deliveries)
  assert.deepEqual(told.splice(0), [
    'export_rows_total 1 soc',
    'export_up 1 soc',
    'export_lag_blocks 0 soc',
    'export_lag_seconds 0 soc',
    'export_last_success_timestamp_seconds 2 soc',
  ])
  update(deliveries)
  assert.deepEqual(told, [])
  end(['soc'])
  assert.deepEqual(told, ['export_up 1 soc', 'export_lag_blocks 0 soc', 'export_lag_seconds 0 soc'])
  db.close()
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { engineRooms, openBudget, openRecorder, openShelf } from '../../src/app/rooms.ts'
import { openLedger } from '../../src/audit/find/ledger.ts'
import type { Config } from '../../src/config/schema.ts'
import type { Placeholders } from '../../src/store/placeholders.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { configIn, keptLog } from '../support/app.ts'
import { doneRow, openRow } from '../support/ledger-rows.ts'
import { budgetOf } from '../support/budget.ts'
import { tempFolder } from '../support/temp.ts'

test('the rooms ask for the configuration each time, so that a reload takes effect at once', async () => {
  const dir = tempFolder('app')
  let config = configIn(dir)
  await using room = await roomsFor(() => config)
  const { rooms } = room
  assert.deepEqual(
    [rooms.inspectBytes, rooms.markers, rooms.whenUnavailable, rooms.store],
    [config.limits.inspectBytes, config.proxy.markers, config.audit.whenUnavailable, config.audit.bodies.store],
  )
  config = configIn(dir, {
    limits: { inspectBytes: 65_536 },
    proxy: { markers: !config.proxy.markers },
    audit: { whenUnavailable: 'allow', bodies: { store: 'full' } },
  })
  assert.deepEqual(
    [rooms.inspectBytes, rooms.markers, rooms.whenUnavailable, rooms.store],
    [65_536, config.proxy.markers, 'allow', 'full'],
  )
  config = configIn(dir, { audit: { bodies: { capture: false, store: 'full' } } })
  assert.equal(rooms.store, 'none')
})

test('a tenant keeps its vault, and no other tenant can undo its placeholders', async () => {
  const config = configIn()
  await using room = await roomsFor(() => config)
  const { vault } = room.rooms
  const placeholder = vault('a').placeholderFor('EMAIL', 'ann@corp.example.com')
  assert.equal(vault('a'), vault('a'))
  assert.equal(vault('a').restore(placeholder).text, 'ann@corp.example.com')
  assert.deepEqual([vault('b').restore(placeholder).text, vault('b').restore(placeholder).restored], [placeholder, 0])
  assert.notEqual(vault('b').placeholderFor('EMAIL', 'ann@corp.example.com'), placeholder)
})

test('the same key gives the same placeholder in another process', async () => {
  const config = configIn()
  await using one = await roomsFor(() => config)
  await using other = await roomsFor(() => config)
  const placeholder = ({ rooms }: typeof one) => rooms.vault('a').placeholderFor('EMAIL', 'ann@corp.example.com')
  assert.equal(placeholder(one), placeholder(other))
})

test('a placeholder is undone by another process, and after a new start', async () => {
  const config = configIn()
  const { log } = await keptLog()
  const shelf = openShelf(config.data.dir, log)
  const placeholder = await placeholderBy(shelf)
  const other = openShelf(config.data.dir, log)
  await using room = await roomsFor(() => config, other)
  assert.ok(room.rooms.vault('a').size() > 0)
  assert.equal(room.rooms.vault('a').restore(placeholder).text, 'ann@corp.example.com')
  assert.equal(room.rooms.vault('b').restore(placeholder).restored, 0)
  other.close()

  async function placeholderBy(placeholders: Placeholders): Promise<string> {
    await using first = await roomsFor(() => config, placeholders)
    const made = first.rooms.vault('a').placeholderFor('EMAIL', 'ann@corp.example.com')
    placeholders.close()
    return made
  }
})

test('the recorder writes to the ledger of the data folder', async () => {
  const config = configIn()
  const { log } = await keptLog()
  const recorder = openRecorder(config, log)
  const row = openRow()
  await recorder.open(row)
  recorder.done(doneRow(row.id))
  await recorder.close()
  const ledger = openLedger(config.data.dir)
  assert.deepEqual(
    [...ledger.find('exchanges', {}).rows()].map(({ id, state }) => [id, state]),
    [[row.id, 'done']],
  )
  ledger.close()
})

test('each of several processes has its share of `limits.bufferedBytes`, also after a reload', async () => {
  const dir = tempFolder('app')
  const { log } = await keptLog()
  let config = configIn(dir, { limits: { bufferedBytes: 1_000_000 } })
  const budget = openBudget({ config: () => config, processes: 4, metrics: createMetrics(), log })
  assert.deepEqual([budget.take(250_001), budget.take(250_000)], [false, true])
  config = configIn(dir, { limits: { bufferedBytes: 2_000_000 } })
  assert.deepEqual([budget.take(250_001), budget.take(250_000)], [false, true])
})

async function roomsFor(config: () => Config, placeholders?: Placeholders) {
  const { log } = await keptLog()
  const recorder = openRecorder(config(), log)
  const rooms = engineRooms({
    config,
    policy: () => {
      throw new Error('not asked here')
    },
    recorder,
    budget: budgetOf(),
    metrics: createMetrics(),
    log,
    key: Buffer.alloc(32, 7),
    ...(placeholders && { placeholders }),
  })
  return { rooms, [Symbol.asyncDispose]: () => recorder.close() }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Chore, ChoreContext, ChoreKind } from '../../../src/audit/keeper/chores.ts'
import { backOffMs, reasonOf, roundsOf } from '../../../src/audit/keeper/keeper-rounds.ts'
import { openStore } from '../../../src/store/open.ts'
import { keeperSettings } from '../../support/keeper-settings.ts'
import { tempFolder } from '../../support/temp.ts'

function contextFor(t: { after: (run: () => void) => void }) {
  const dir = tempFolder('rounds')
  const db = openStore({ dir, durability: 'crash' })
  t.after(() => db.close())
  const told: string[] = []
  const context: ChoreContext = {
    settings: keeperSettings(dir),
    db,
    now: Date.now,
    notice: (level, message, fields) => told.push(`${level} ${message} ${JSON.stringify(fields)}`),
    figure: () => {},
    count: (name, more, labels) => told.push(`${name} +${more} ${JSON.stringify(labels)}`),
  }
  return { context, told }
}

const kind = (chore: Chore, over: Partial<ChoreKind> = {}): ChoreKind => ({
  name: chore.name,
  wanted: () => true,
  load: async () => () => chore,
  ...over,
})

test('chores run side by side, each again after its pause, until the signal; then a last time', async (t) => {
  const { context, told } = contextFor(t)
  const ended = new AbortController()
  const runs: string[] = []
  const fast: Chore = {
    name: 'fast',
    everyMs: 1,
    run: () => {
      runs.push('fast')
      if (runs.filter((name) => name === 'fast').length === 5) ended.abort()
    },
    last: () => void runs.push('last of fast'),
    close: () => void runs.push('fast closed'),
  }
  const slow: Chore = { name: 'slow', everyMs: 3_600_000, run: () => void runs.push('slow') }
  const rounds = roundsOf([kind(fast), kind(slow)], context)
  await rounds.run(ended.signal)
  await rounds.last(new AbortController().signal)
  await rounds.close()
  assert.equal(runs.filter((name) => name === 'slow').length, 1)
  assert.deepEqual(runs.slice(-3), ['fast', 'last of fast', 'fast closed'])
  assert.deepEqual(told, [])
})

test('the module of a chore that is not wanted is not loaded', async (t) => {
  const { context } = contextFor(t)
  const ended = new AbortController()
  const chore: Chore = { name: 'wanted', everyMs: 1_000, run: () => ended.abort() }
  const other = kind({ ...chore, name: 'other' }, { wanted: () => false, load: () => assert.fail('loaded') })
  const rounds = roundsOf([other, kind(chore)], context)
  await rounds.run(ended.signal)
  await rounds.last(ended.signal)
  await rounds.close()
})

test('a chore that fails is told, counted and tried again; the others do not notice', async (t) => {
  const { context, told } = contextFor(t)
  const ended = new AbortController()
  let tries = 0
  let others = 0
  const failing: Chore = {
    name: 'failing',
    everyMs: 1,
    run() {
      tries += 1
      if (tries === 1) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
      ended.abort()
    },
    last: () => Promise.reject(new Error('still none')),
  }
  const rounds = roundsOf([kind(failing), kind({ name: 'other', everyMs: 50, run: () => void (others += 1) })], context)
  await rounds.run(ended.signal)
  await rounds.last(ended.signal)
  await rounds.close()
  assert.equal(tries, 2)
  assert.ok(others > 2)
  assert.deepEqual(told, [
    'ledger_chore_failures_total +1 {"chore":"failing"}',
    'warn a chore of the ledger failed {"chore":"failing","code":"ENOSPC","reason":"no space left","againMs":1000}',
    'info a chore of the ledger works again {"chore":"failing"}',
    'ledger_chore_failures_total +1 {"chore":"failing"}',
    'warn a chore of the ledger failed {"chore":"failing","reason":"still none"}',
  ])
})

test('a chore whose module cannot be loaded is one that fails', async (t) => {
  const { context, told } = contextFor(t)
  const ended = new AbortController()
  const broken: ChoreKind = {
    name: 'broken',
    wanted: () => true,
    load: () => (ended.abort(), Promise.reject(new Error('bad sink'))),
  }
  const rounds = roundsOf([broken], context)
  await rounds.run(ended.signal)
  await rounds.last(ended.signal)
  await rounds.close()
  assert.match(told.at(-1) ?? '', /"chore":"broken","reason":"bad sink"/)
})

test('a spoiled connection ends the session', async (t) => {
  const { context } = contextFor(t)
  const spoiled = Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_READ' })
  const rounds = roundsOf([kind({ name: 'any', everyMs: 1, run: () => Promise.reject(spoiled) })], context)
  await assert.rejects(rounds.run(new AbortController().signal), spoiled)
})

test('pauses grow up to five minutes', () => {
  assert.deepEqual([1, 2, 3, 10, 100].map(backOffMs), [1_000, 2_000, 4_000, 300_000, 300_000])
})

test('of what was thrown code and message are told', () => {
  assert.deepEqual(reasonOf('anything'), { reason: 'unknown' })
  assert.deepEqual(reasonOf(new Error('why')), { reason: 'why' })
})

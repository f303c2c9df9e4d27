import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { openKeeper } from '../../src/app/keeper.ts'
import { configSchema } from '../../src/config/schema.ts'
import { recordEvent } from '../../src/store/events.ts'
import { openStore } from '../../src/store/open.ts'
import { configIn, keptLog } from '../support/app.ts'

test('what the keeper counts is in its metrics; two programs of one data folder have one keeper', async () => {
  const { log, text } = await keptLog()
  const config = configIn()
  const [first, second] = [openKeeper(config, log), openKeeper(config, log)]
  const works = async (keeper: typeof first) => (await keeper.metrics()).includes('sallyport_ledger_keeper 1\n')
  while (!(await works(first)) && !(await works(second))) await setTimeout(10)
  first.reload(config)
  second.reload(config)
  await setTimeout(50)
  assert.ok(!(await works(first)) || !(await works(second)))
  await first.close()
  await second.close()
  assert.equal(text(), '')
})

test('a sink that is new has what happened since the program began, also before the keeper looked at it', async () => {
  const { log } = await keptLog()
  const base = configIn()
  const path = join(base.data.dir, '..', 'rows.jsonl')
  const sink = { name: 'disk', type: 'file', path, include: ['events'] }
  const config = {
    ...base,
    audit: { ...base.audit, export: configSchema.parse({ audit: { export: [sink] } }).audit.export },
  }
  const now = Date.now()
  const event = { who: 'ada', what: 'policy.reload' as const, before: null, after: null }
  const place = { dir: config.data.dir, durability: 'crash' } as const
  recordEvent(place, { ...event, id: 'of-a-run-before', at: '2020-01-01T00:00:00.000Z' })
  recordEvent(place, { ...event, id: 'of-this-run', at: new Date(now).toISOString() })
  const db = openStore(place)
  db.exec(`UPDATE chain SET at = '2020-01-01T00:00:00.000Z' WHERE n = 0`)
  db.close()
  const keeper = openKeeper(config, log)
  while (!existsSync(path) || !readFileSync(path, 'utf8').includes('of-this-run')) await setTimeout(10)
  await keeper.close()
  assert.doesNotMatch(readFileSync(path, 'utf8'), /of-a-run-before/)
})

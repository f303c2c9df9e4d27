import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { openKeeper } from '../../src/app/keeper.ts'
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

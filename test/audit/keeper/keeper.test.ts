import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { type Keeper, startKeeper } from '../../../src/audit/keeper/keeper.ts'
import { takeLease } from '../../../src/store/lease.ts'
import { keeperSettings } from '../../support/keeper-settings.ts'
import { tempFolder } from '../../support/temp.ts'

type Heard = { readonly keeper: Keeper; readonly notices: string[]; readonly figures: Map<string, number> }

function start(dir: string, over: { program?: URL } = {}): Heard {
  const notices: string[] = []
  const figures = new Map<string, number>()
  const keeper = startKeeper({
    settings: keeperSettings(dir),
    notice: (level, message, fields) => notices.push(`${level} ${message} ${JSON.stringify(fields)}`),
    figure: (name, value) => figures.set(name, value),
    count: () => {},
    ...over,
  })
  return { keeper, notices, figures }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(10)
}

test('of several keepers of a data folder one works, and when it ends the next', async () => {
  const dir = tempFolder('keeper')
  const first = start(dir)
  await until(() => first.figures.get('ledger_keeper') === 1)
  const second = start(dir)
  await setTimeout(300)
  assert.notEqual(second.figures.get('ledger_keeper'), 1)
  await first.keeper.close()
  await until(() => second.figures.get('ledger_keeper') === 1)
  await second.keeper.close()
  await second.keeper.close()
  assert.deepEqual([...first.notices, ...second.notices], [])
  // Nobody has it any more.
  const lease = takeLease(join(dir, 'keeper.lock'))
  assert.ok(lease)
  lease.release()
})

test('it can be closed before its thread has begun, and takes new settings at any time', async () => {
  const dir = tempFolder('keeper')
  const { keeper, notices } = start(dir)
  keeper.reload(keeperSettings(dir))
  await keeper.close()
  keeper.reload(keeperSettings(dir))
  assert.deepEqual(notices, [])
})

test('a thread that dies is told and replaced', async () => {
  const { keeper, notices } = start(tempFolder('keeper'), {
    program: new URL('data:text/javascript,throw new Error(`out of luck`)'),
  })
  await until(() => notices.length >= 2)
  for (const notice of notices)
    assert.match(notice, /^error the keeper of the ledger stopped and is replaced .*out of luck/)
  await keeper.close()
})

test('a data folder that cannot be used is told, and tried again', async () => {
  const { keeper, notices } = start('/dev/null/data')
  await until(() => notices.length >= 2)
  assert.match(notices[0] ?? '', /^warn the keeper of the ledger cannot work .*"code":"ENOTDIR"/)
  await keeper.close()
})

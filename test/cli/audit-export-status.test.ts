import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { cursorsOf } from '../../src/audit/export/cursors.ts'
import { openStore } from '../../src/store/open.ts'
import { filled, hook, jsonOf, run } from '../support/exporting.ts'

test('the status says of each sink how far behind it is, what it had, and what is wrong', async () => {
  const { cwd } = await filled(hook('http://127.0.0.1:1/in'))
  const fresh = jsonOf((await run(cwd, '--status', '--json')).stdout)
  assert.deepEqual(
    fresh.map(({ name, type, state, lag_blocks: lag }) => ({ name, type, state, lag })),
    [{ name: 'hook', type: 'webhook', state: 'new', lag: 0 }],
  )
  const db = openStore({ dir: join(cwd, 'data'), durability: 'relaxed' })
  const cursors = cursorsOf(db, Date.now)
  cursors.begin('hook', '2020-01-01')
  cursors.begin('old')
  const dead = [{ table: 'exchanges', row: 'x', block: 1, reason: 'no\u001B[2J', attempts: 3 }] as const
  cursors.settle('hook', { cursor: { block: 1, position: 0, checkpoint: 0 }, delivered: 2, dead })
  cursors.failed('hook', 3, 'it is away')
  db.close()
  const [sink, old] = jsonOf((await run(cwd, '--status', '--json')).stdout)
  assert.deepEqual(
    [sink?.state, sink?.delivered, sink?.dead_letters, sink?.error, Number(sink?.lag_blocks) > 0],
    ['failing', 2, 1, 'it is away', true],
  )
  assert.deepEqual([old?.name, old?.type, old?.state], ['old', null, 'removed'])
  assert.match((await run(cwd, '--status')).stdout, /^sink +type +state +behind .*\nhook +webhook +failing /)
  assert.match((await run(cwd, '--dead-letters', 'hook')).stdout, /exchanges +x .* 3 +no\\u001b\[2J/)
  assert.equal((await run(cwd, '--dead-letters', 'old')).stdout, '')
  const none = await run(cwd, '--dead-letters', 'hok')
  assert.equal(none.status, 1)
  assert.match(none.stderr, /no sink is called "hok"/)
})

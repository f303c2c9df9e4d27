import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { markLost } from '../../src/audit/lost.ts'
import { openStore } from '../../src/store/open.ts'
import { checkpoint, verified } from '../support/tampered-ledger.ts'
import { tempFolder } from '../support/temp.ts'

const writer = fileURLToPath(new URL('../support/ledger-child.ts', import.meta.url))

/** A process that writes until it is killed, after it has told of so many exchanges. */
async function killedAfter(dir: string, exchanges: number, mode: 'finish' | 'leave'): Promise<void> {
  const child = spawn(process.execPath, [writer, dir, '100000', mode, '300'], { stdio: ['ignore', 'pipe', 'inherit'] })
  let told = 0
  child.stdout.on('data', (piece: Buffer) => {
    told += piece.toString().split('\n').length - 1
    if (told >= exchanges) child.kill('SIGKILL')
  })
  await once(child, 'exit')
}

test('a ledger whose writers are killed, again and again, verifies each time', async () => {
  const dir = tempFolder('proof')
  for (let round = 0; round < 3; round += 1) {
    const some = (most: number): number => 1 + Math.floor(Math.random() * most)
    await Promise.all([killedAfter(dir, some(120), 'finish'), killedAfter(dir, some(120), 'leave')])
    const before = await verified(dir)
    assert.deepEqual(before.faults, [])
    const db = openStore({ dir, durability: 'crash' })
    try {
      assert.ok(markLost(db, dir) > 0)
    } finally {
      db.close()
    }
    checkpoint(dir)
    const after = await verified(dir)
    assert.deepEqual(after.faults, [])
    assert.equal(after.unsigned.entries, 0)
    assert.ok(after.content.checked + after.content.lost > 0)
  }
})

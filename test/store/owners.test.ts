import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openStore } from '../../src/store/open.ts'
import { claimOwner, deadOwners, forgetOwner } from '../../src/store/owners.ts'
import { tempFolder } from '../support/temp.ts'

test('an owner lives until it lets go, also for others in the same process', () => {
  const dir = tempFolder()
  const db = openStore({ dir, durability: 'crash' })
  const one = claimOwner(db, dir, process.pid)
  const two = claimOwner(db, dir, process.pid)
  assert.notEqual(one.id, two.id)
  assert.deepEqual(deadOwners(db, dir), [])
  one.release()
  assert.deepEqual(deadOwners(db, dir), [one.id])
  assert.deepEqual(deadOwners(db, dir, two.id), [])
  forgetOwner(db, dir, one.id)
  assert.deepEqual(deadOwners(db, dir), [])
  assert.equal(existsSync(join(dir, 'owners', String(one.id))), false)
  two.release()
  db.close()
})

test('an owner whose process is killed is dead, whatever process has its number', async () => {
  const dir = tempFolder()
  const script = `import { openStore } from '${new URL('../../src/store/open.ts', import.meta.url).href}'
    import { claimOwner } from '${new URL('../../src/store/owners.ts', import.meta.url).href}'
    const db = openStore({ dir: ${JSON.stringify(dir)}, durability: 'crash' })
    globalThis.owner = claimOwner(db, ${JSON.stringify(dir)}, ${process.pid})
    console.log(globalThis.owner.id)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const id = Number(await once(child.stdout, 'data'))
  const db = openStore({ dir, durability: 'crash' })
  assert.deepEqual(deadOwners(db, dir), [])
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.deepEqual(deadOwners(db, dir), [id])
  db.close()
})

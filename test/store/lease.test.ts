import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { takeLease } from '../../src/store/lease.ts'
import { tempFolder } from '../support/temp.ts'

const module = new URL('../../src/store/lease.ts', import.meta.url).href
const taking = (path: string): string =>
  `const { takeLease } = await import(${JSON.stringify(module)}); const lease = takeLease(${JSON.stringify(path)});`

test('one at a time has it, and when it is let go the next', () => {
  const path = join(tempFolder('lease'), 'keeper.lock')
  const first = takeLease(path)
  assert.ok(first)
  assert.equal(takeLease(path), undefined)
  first.release()
  first.release()
  const second = takeLease(path)
  assert.ok(second)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  second.release()
})

const notRoot = process.geteuid?.() !== 0 && 'only root makes files for others'

test(
  'what root makes in a folder of somebody else is theirs, who could not open it otherwise',
  { skip: notRoot },
  () => {
    const folder = join(tempFolder('lease'), 'owners')
    mkdirSync(folder)
    chownSync(folder, 4711, 4712)
    const path = join(folder, '1')
    takeLease(path)?.release()
    const { uid, gid } = statSync(path)
    assert.deepEqual([uid, gid], [4711, 4712])
  },
)

test('a thread of the same process does not share it', async () => {
  const path = join(tempFolder('lease'), 'keeper.lock')
  const lease = takeLease(path)
  const code = `${taking(path)} (await import('node:worker_threads')).parentPort.postMessage(lease === undefined)`
  const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`))
  assert.deepEqual(await once(thread, 'message'), [true])
  await once(thread, 'exit')
  lease?.release()
})

test('who asks in vain in the same process does not take it away', async () => {
  const path = join(tempFolder('lease'), 'keeper.lock')
  const lease = takeLease(path)
  assert.equal(takeLease(path), undefined)
  const code = `${taking(path)} process.stdout.write(String(lease === undefined))`
  const other = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  assert.equal(String((await once(other.stdout, 'data'))[0]), 'true')
  lease?.release()
})

test('a process that is killed has it no longer', async () => {
  const path = join(tempFolder('lease'), 'keeper.lock')
  const code = `${taking(path)} process.stdout.write(String(lease !== undefined)); setInterval(() => lease, 1_000)`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  assert.deepEqual(String((await once(holder.stdout, 'data'))[0]), 'true')
  assert.equal(takeLease(path), undefined)
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  const lease = takeLease(path)
  assert.ok(lease)
  lease.release()
})

test('a folder that is not there is an error, not a lease of somebody else', () => {
  assert.throws(() => takeLease(join(tempFolder('lease'), 'none', 'keeper.lock')), { code: 'ENOENT' })
})

test('a lease needs no room on the disk', () => {
  const dir = tempFolder()
  const lease = takeLease(join(dir, 'a.lock'))
  assert.deepEqual(readdirSync(dir), ['a.lock'])
  assert.equal(statSync(join(dir, 'a.lock')).size, 0)
  lease?.release()
  assert.deepEqual(readdirSync(dir), ['a.lock'])
})

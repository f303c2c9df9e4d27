import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { spools } from '../../src/http/spool.ts'
import { tempFolder } from '../support/temp.ts'

const large = 2 ** 20

const spoolsIn = (dir: string, over: Partial<Parameters<typeof spools>[0]> = {}) =>
  spools({ dir, maxFiles: 2, maxBytes: () => 4 * large, failed: () => undefined, ...over })

test('what was written comes back, whole or in pieces, however it was cut', async () => {
  const bytes = Buffer.from(Array.from({ length: 200_001 }, (_, i) => i % 251))
  for (const cut of [1, 7_000, 65_536, 300_000]) {
    const file = spoolsIn(tempFolder('spool')).open()
    for (let at = 0; at < bytes.length; at += cut) {
      await file.write(bytes.subarray(at, at + cut))
      if (cut === 1 && at > 1_000) {
        await file.write(bytes.subarray(at + 1))
        break
      }
    }
    assert.deepEqual(Buffer.concat(await Array.fromAsync(file.chunks())), bytes)
    assert.deepEqual(await file.whole(), bytes)
    file.close()
  }
})

test('nothing is made before it is needed, and then nothing that has a name', async () => {
  const dir = join(tempFolder('spool'), 'made')
  const file = spoolsIn(dir).open()
  assert.ok(!existsSync(dir))
  await file.write(Buffer.alloc(large))
  assert.deepEqual([readdirSync(dir), statSync(dir).mode & 0o777], [[], 0o700])
  assert.equal((await file.whole()).length, large)
  file.close()
})

test('what is on the disk tells nothing of the body', { skip: process.platform !== 'linux' }, async () => {
  const file = spoolsIn(tempFolder('spool')).open()
  const secret = 'a value that policy has yet to find '
  await file.write(Buffer.alloc(large, secret))
  // The file has no name, but this process still has it open.
  const onDisk = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return statSync(`/proc/self/fd/${fd}`).size === large ? [readFileSync(`/proc/self/fd/${fd}`)] : []
    } catch {
      return []
    }
  })
  assert.equal(onDisk.length, 1)
  assert.ok(!onDisk[0]?.includes(secret.slice(0, 8)))
  assert.ok((await file.whole()).equals(Buffer.alloc(large, secret)))
  file.close()
})

test('files and their bytes are bounded, and closing one makes room', async () => {
  const some = spoolsIn(tempFolder('spool'))
  const [first, second] = [some.open(), some.open()]
  assert.throws(() => some.open(), { code: 'overloaded' })
  await first.write(Buffer.alloc(3 * large))
  await assert.rejects(second.write(Buffer.alloc(2 * large)), { code: 'overloaded' })
  assert.equal(some.bytes(), 3 * large)
  first.close()
  first.close()
  await second.write(Buffer.alloc(2 * large))
  second.close()
  assert.equal(some.bytes(), 0)
})

test('what the disk refuses is told, and is `overloaded`', async () => {
  const file = join(tempFolder('spool'), 'file')
  writeFileSync(file, '')
  const told: unknown[] = []
  const some = spoolsIn(join(file, 'below'), { failed: (cause) => told.push(cause) }).open()
  await assert.rejects(some.write(Buffer.alloc(large)), { code: 'overloaded' })
  await assert.rejects(some.whole(), { code: 'overloaded' })
  some.close()
  assert.equal(told.length, 2)
})

test('whoever still writes to a file that was closed, or reads it, makes nothing and counts for nothing', async () => {
  const dir = join(tempFolder('spool'), 'made')
  const told: unknown[] = []
  const some = spoolsIn(dir, { failed: (cause) => told.push(cause) })
  const file = some.open()
  const under = file.write(Buffer.alloc(large)).catch(() => undefined)
  file.close()
  await under
  await assert.rejects(file.write(Buffer.alloc(large)), { code: 'client_aborted' })
  await assert.rejects(file.whole(), { code: 'client_aborted' })
  assert.deepEqual([some.bytes(), told, readdirSync(dir)], [0, [], []])
})

test('what an earlier run left is swept', async () => {
  const dir = tempFolder('spool')
  writeFileSync(join(dir, 'left'), 'x')
  mkdirSync(join(dir, 'not a file'))
  await spoolsIn(dir).sweep()
  assert.deepEqual(readdirSync(dir), ['not a file'])
  await spoolsIn(join(dir, 'nowhere')).sweep()
})

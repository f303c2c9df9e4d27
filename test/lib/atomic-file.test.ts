import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { createFileAtomic, writeFileAtomic } from '../../src/lib/atomic-file.ts'

test('a file is replaced as a whole, with the mode asked for, and leaves nothing beside it', async (t) => {
  const dir = await folder(t)
  const path = join(dir, 'a')
  await writeFileAtomic(path, 'one')
  await writeFileAtomic(path, 'two', 0o600)
  assert.equal(await readFile(path, 'utf8'), 'two')
  assert.deepEqual(await readdir(dir), ['a'])
  if (process.platform !== 'win32') assert.equal((await stat(path)).mode & 0o777, 0o600)
})

test('of many that create the same file at once exactly one wins, and its content stays', async (t) => {
  const dir = await folder(t)
  const path = join(dir, 'a')
  const won = await Promise.all([1, 2, 3, 4, 5, 6].map((i) => createFileAtomic(path, `${i}`, 0o600)))
  assert.equal(won.filter(Boolean).length, 1)
  assert.equal(await readFile(path, 'utf8'), `${won.indexOf(true) + 1}`)
  assert.deepEqual(await readdir(dir), ['a'])
})

test('a write that cannot be done throws and leaves no temporary file', async (t) => {
  const dir = await folder(t)
  await assert.rejects(writeFileAtomic(join(dir, 'missing', 'a'), 'x'), { code: 'ENOENT' })
  await writeFileAtomic(join(dir, 'a'), 'x')
  await assert.rejects(writeFileAtomic(join(dir, 'a', 'b'), 'x'), { code: 'ENOTDIR' })
  assert.deepEqual(await readdir(dir), ['a'])
})

async function folder(t: test.TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'sallyport-atomic-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSpill } from '../../src/audit/read-spill.ts'
import { openSpill } from '../../src/audit/spill.ts'
import { uuidv7 } from '../../src/core/ids.ts'
import { tempFolder } from '../support/temp.ts'

async function spilled(): Promise<{ dir: string; file: string }> {
  const dir = tempFolder('spill')
  const spill = openSpill({ dir, id: uuidv7(Date.now()), side: 'request', sync: false })
  await spill.write(Buffer.from('a long text '.repeat(1_000)))
  return { dir, file: (await spill.finish()).file }
}

test('what was spilled is read back', async () => {
  const { dir, file } = await spilled()
  assert.equal(readSpill(dir, file, 1_000_000)?.toString(), 'a long text '.repeat(1_000))
})

test('more than the bound is not read, however small the file', async () => {
  const { dir, file } = await spilled()
  assert.equal(readSpill(dir, file, 11_999), undefined)
  assert.equal(readSpill(dir, file, 12_000)?.length, 12_000)
})

test('a file cut anywhere, or gone, is undefined', async () => {
  const { dir, file } = await spilled()
  const whole = readFileSync(join(dir, file))
  for (let length = 0; length < whole.length; length += 1) {
    writeFileSync(join(dir, file), whole.subarray(0, length))
    assert.equal(readSpill(dir, file, 1_000_000), undefined, String(length))
  }
  assert.equal(readSpill(dir, file.replace('request', 'response'), 1_000_000), undefined)
})

test('a name that leads elsewhere is not followed', async () => {
  const { dir } = await spilled()
  for (const name of [
    'sallyport.db',
    '../outside',
    '/etc/hostname',
    'bodies/2026/01/01/../../../../etc/passwd.request',
  ]) {
    assert.equal(readSpill(dir, name, 1_000_000), undefined, name)
  }
})

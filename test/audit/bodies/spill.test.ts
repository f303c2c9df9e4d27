import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { spillName } from '../../../src/audit/bodies/spill-file.ts'
import { openSpill } from '../../../src/audit/bodies/spill.ts'
import { uuidv7 } from '../../../src/core/ids.ts'
import { tempFolder } from '../../support/temp.ts'

const id = uuidv7(Date.UTC(2026, 0, 31, 23, 59, 59, 999))

function filesIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

test('a spilled body is there whole, compressed and private', async () => {
  for (const sync of [false, true]) {
    const dir = tempFolder('spill')
    const spill = openSpill({ dir, id, side: 'response', sync })
    const chunks = Array.from({ length: 40 }, (_, i) => Buffer.concat([randomBytes(3_000), Buffer.alloc(60_000, i)]))
    for (const chunk of chunks) await spill.write(chunk)
    const { file, bytes, sha256 } = await spill.finish()
    const content = Buffer.concat(chunks)
    assert.equal(file, spillName(id, 'response'))
    assert.equal(bytes, content.length)
    assert.equal(sha256, createHash('sha256').update(content).digest('hex'))
    const path = join(dir, file)
    assert.ok(zstdDecompressSync(readFileSync(path)).equals(content))
    assert.ok(statSync(path).size < content.length / 2)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(statSync(dirname(path)).mode & 0o777, 0o700)
  }
})

test('until it is finished nothing stands under the name, and a discarded one leaves nothing', async () => {
  const dir = tempFolder('spill')
  const spill = openSpill({ dir, id, side: 'request', sync: false })
  await spill.write(randomBytes(500_000))
  assert.ok(filesIn(dir).every((path) => path.endsWith('.tmp')))
  await spill.discard()
  assert.deepEqual(filesIn(dir), [])
})

test('one that is discarded before it began leaves nothing', async () => {
  const dir = tempFolder('spill')
  await openSpill({ dir, id, side: 'request', sync: false }).discard()
  assert.deepEqual(filesIn(dir), [])
})

test('writing more than the disk takes asks to wait, in bounded memory', async () => {
  const spill = openSpill({ dir: tempFolder('spill'), id, side: 'request', sync: false })
  let waited = 0
  for (let i = 0; i < 50; i += 1) {
    const room = spill.write(randomBytes(100_000))
    if (room !== undefined) waited += 1
    await room
  }
  assert.ok(waited > 0)
  assert.equal((await spill.finish()).bytes, 5_000_000)
})

test('a file that cannot be written is told at the end, and writing never throws', async () => {
  const dir = tempFolder('spill')
  writeFileSync(join(dir, 'bodies'), 'in the way')
  const spill = openSpill({ dir, id, side: 'request', sync: false })
  for (let i = 0; i < 20; i += 1) await spill.write(randomBytes(100_000))
  await assert.rejects(spill.finish(), /ENOTDIR|EEXIST/)
  assert.deepEqual(filesIn(dir), [join(dir, 'bodies')])
})

test('a file of the same name that is being written is not touched', async () => {
  const dir = tempFolder('spill')
  const path = join(dir, `${spillName(id, 'request')}.tmp`)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, 'of another')
  chmodSync(path, 0o600)
  const spill = openSpill({ dir, id, side: 'request', sync: false })
  await spill.write(randomBytes(10))
  await assert.rejects(spill.finish(), /EEXIST/)
  assert.equal(readFileSync(path, 'utf8'), 'of another')
})

test('a folder that goes while a body is on its way: its end says so, and the next body makes it anew', async () => {
  const dir = tempFolder('spill')
  const spill = openSpill({ dir, id, side: 'request', sync: false })
  for (let i = 0; i < 5; i += 1) await spill.write(randomBytes(100_000))
  while (filesIn(dir).length === 0) await new Promise(setImmediate)
  rmSync(join(dir, 'bodies'), { recursive: true })
  await assert.rejects(spill.finish(), { code: 'ENOENT' })
  const next = openSpill({ dir, id, side: 'response', sync: true })
  await next.write(Buffer.from('text'))
  const { file } = await next.finish()
  assert.deepEqual(filesIn(dir), [join(dir, file)])
})

test('a link on the way to the file is not followed', { skip: process.platform === 'win32' }, async () => {
  for (const folder of ['2026', '2026/01', '2026/01/31']) {
    const [dir, outside] = [tempFolder('spill'), tempFolder('outside')]
    mkdirSync(join(dir, 'bodies', dirname(folder)), { recursive: true })
    symlinkSync(outside, join(dir, 'bodies', folder))
    const spill = openSpill({ dir, id, side: 'request', sync: false })
    await spill.write(randomBytes(100_000))
    await assert.rejects(spill.finish(), { code: 'ELOOP' })
    assert.deepEqual(readdirSync(outside), [])
  }
})

test('the folder of the bodies may be a link to another disk', { skip: process.platform === 'win32' }, async () => {
  const [dir, disk] = [tempFolder('spill'), tempFolder('disk')]
  symlinkSync(disk, join(dir, 'bodies'))
  const spill = openSpill({ dir, id, side: 'request', sync: true })
  await spill.write(randomBytes(100_000))
  const { file } = await spill.finish()
  assert.equal(filesIn(disk)[0], join(disk, file.slice('bodies/'.length)))
})

const limited = `
  import { openSpill } from ${JSON.stringify(new URL('../../../src/audit/bodies/spill.ts', import.meta.url).href)}
  import { writeSpill } from ${JSON.stringify(new URL('../../../src/audit/bodies/spill-file.ts', import.meta.url).href)}
  import { randomBytes } from 'node:crypto'
  const [dir, id, key] = [process.argv[1], process.argv[2], process.argv[3] ? { id: 'k', key: randomBytes(32) } : undefined]
  const spill = openSpill({ dir, id, side: 'response', sync: false, key })
  for (let i = 0; i < 30; i += 1) await spill.write(randomBytes(100_000))
  const codes = [await spill.finish().then(() => 'whole', (cause) => cause.code)]
  const name = 'bodies/2026/01/31/' + id + '.request'
  try { writeSpill({ dir, name, content: randomBytes(3_000_000), sync: false, key }) } catch (cause) { codes.push(cause.code) }
  console.log(codes.join())`

test(
  'a disk that takes no more in the middle of a file leaves nothing of it',
  { skip: process.platform === 'win32' },
  () => {
    for (const key of ['', 'sealed']) {
      const dir = tempFolder('spill')
      // The system refuses what makes a file longer than so many blocks.
      const run = spawnSync('sh', [
        '-c',
        'ulimit -f 2000; exec "$0" --input-type=module -e "$1" "$2" "$3" "$4"',
        process.execPath,
        limited,
        dir,
        id,
        key,
      ])
      assert.equal(run.stdout.toString(), 'EFBIG,EFBIG\n', run.stderr.toString())
      assert.deepEqual(filesIn(dir), [])
    }
  },
)

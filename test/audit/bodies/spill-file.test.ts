import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { notKept, spillName, writeSpill } from '../../../src/audit/bodies/spill-file.ts'
import { uuidv7 } from '../../../src/core/ids.ts'
import { tempFolder } from '../../support/temp.ts'

const id = uuidv7(Date.UTC(2026, 0, 31, 23, 59, 59, 999))
const name = spillName(id, 'request')

test('the name has the day in which the id was made', () => {
  assert.equal(name, `bodies/2026/01/31/${id}.request`)
  assert.equal(spillName(uuidv7(Date.UTC(2026, 1, 1)), 'response').slice(0, 18), 'bodies/2026/02/01/')
})

test('a whole body is there compressed and private, with the SHA-256 of what it was', () => {
  for (const sync of [false, true]) {
    for (const content of [Buffer.alloc(0), randomBytes(3), Buffer.alloc(3_000_000, 'text '), randomBytes(300_000)]) {
      const dir = tempFolder('spill')
      const path = join(dir, name)
      assert.equal(writeSpill({ dir, name, content, sync }), createHash('sha256').update(content).digest('hex'))
      assert.ok(zstdDecompressSync(readFileSync(path)).equals(content))
      assert.deepEqual([statSync(path).mode & 0o777, statSync(dirname(path)).mode & 0o777], [0o600, 0o700])
      assert.deepEqual(readdirSync(dirname(path)), [`${id}.request`])
    }
  }
})

test('a file written again replaces the first, also after a folder has gone or a writer was killed half-way', () => {
  const dir = tempFolder('spill')
  const path = join(dir, name)
  const write = (text: string): string => {
    writeSpill({ dir, name, content: Buffer.from(text), sync: false })
    return zstdDecompressSync(readFileSync(path)).toString()
  }
  assert.equal(write('first'), 'first')
  assert.equal(write('second'), 'second')
  rmSync(join(dir, 'bodies'), { recursive: true })
  assert.equal(write('third'), 'third')
  writeFileSync(`${path}.tmp`, 'half of a', { mode: 0o644 })
  assert.equal(write('fourth'), 'fourth')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(dirname(path)), [`${id}.request`])
})

test('a file that cannot be written is thrown with its cause, and leaves nothing of its own', () => {
  const blocked = tempFolder('spill')
  writeFileSync(join(blocked, 'bodies'), 'in the way')
  const taken = tempFolder('spill')
  mkdirSync(join(taken, name, 'in the way'), { recursive: true })
  for (const [dir, code] of [
    [blocked, 'ENOTDIR'],
    [taken, 'EISDIR'],
  ] as const) {
    const attempt = (): string => writeSpill({ dir, name, content: randomBytes(10), sync: false })
    assert.throws(attempt, { code })
    assert.equal(existsSync(join(dir, `${name}.tmp`)), false)
  }
})

test('what a row says of a missing file has the code, and nothing else of the cause', () => {
  const cause = Object.assign(new Error('no space at /secret/place'), { code: 'ENOSPC' })
  assert.equal(notKept('request', cause), 'request body not kept: ENOSPC')
  assert.equal(notKept('response', 'odd'), 'response body not kept: the file could not be written')
})

test(
  'a link on the way to the file is not followed, one in its place is replaced',
  { skip: process.platform === 'win32' },
  () => {
    for (const folder of ['2026', '2026/01', '2026/01/31']) {
      const [dir, outside] = [tempFolder('spill'), tempFolder('outside')]
      mkdirSync(join(dir, 'bodies', dirname(folder)), { recursive: true })
      symlinkSync(outside, join(dir, 'bodies', folder))
      const attempt = (): string => writeSpill({ dir, name, content: randomBytes(10), sync: true })
      assert.throws(attempt, { code: 'ELOOP' })
      assert.deepEqual(readdirSync(outside), [])
    }
    const [dir, outside] = [tempFolder('spill'), join(tempFolder('outside'), 'file')]
    writeFileSync(outside, 'mine')
    for (const planted of [name, `${name}.tmp`]) {
      mkdirSync(dirname(join(dir, planted)), { recursive: true })
      symlinkSync(outside, join(dir, planted))
      writeSpill({ dir, name, content: Buffer.from('text'), sync: false })
      assert.equal(zstdDecompressSync(readFileSync(join(dir, name))).toString(), 'text')
      assert.equal(readFileSync(outside, 'utf8'), 'mine')
      rmSync(join(dir, name))
    }
  },
)

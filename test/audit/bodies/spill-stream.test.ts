import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { constants, zstdCompressSync } from 'node:zlib'
import type { SealKey } from '../../../src/audit/bodies/seal.ts'
import { placeOf, spillName, writeSpill } from '../../../src/audit/bodies/spill-file.ts'
import { openSpillFile, Unreadable, type Why } from '../../../src/audit/bodies/spill-stream.ts'
import { uuidv7 } from '../../../src/core/ids.ts'
import { tempFolder } from '../../support/temp.ts'

const day = Date.UTC(2026, 4, 3)

type Stored = { readonly dir: string; readonly name: string; readonly path: string }

function stored(content: Uint8Array | string = 'text', key?: SealKey): Stored {
  const [dir, name] = [tempFolder('spill-stream'), spillName(uuidv7(day), 'response')]
  writeSpill({ dir, name, content: Buffer.from(content), sync: false, ...(key && { key }) })
  return { dir, name, path: join(dir, name) }
}

async function contentOf({ dir, name }: Stored, key?: SealKey): Promise<string> {
  const keys = key === undefined ? [] : [key]
  const file = await openSpillFile({ dir, name, place: placeOf(name), sealedBy: key?.id ?? null, keys })
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of file.pieces()) pieces.push(piece)
  } finally {
    await file.close()
  }
  return Buffer.concat(pieces).toString()
}

const fails = (why: Why) => (error: unknown) => error instanceof Unreadable && error.why === why

test(
  'links, folders and names that lead elsewhere are not followed',
  { skip: process.platform === 'win32' },
  async () => {
    for (const steps of [0, 1, 2, 3]) {
      const one = stored()
      let planted = one.path
      for (let i = 0; i < steps; i += 1) planted = dirname(planted)
      const target = join(tempFolder('spill-stream'), 'moved')
      renameSync(planted, target)
      symlinkSync(target, planted)
      await assert.rejects(contentOf(one), fails('refused'), planted)
    }
    const folder = stored()
    rmSync(folder.path)
    mkdirSync(folder.path)
    await assert.rejects(contentOf(folder), fails('refused'))
    for (const name of [
      'sallyport.db',
      '../outside',
      folder.path,
      'bodies/2026/01/01/../../../../etc/passwd.request',
    ]) {
      await assert.rejects(contentOf({ ...stored(), name }), fails('refused'), name)
    }
  },
)

test(
  'the folder of the bodies itself may be a link to another disk',
  { skip: process.platform === 'win32' },
  async () => {
    const one = stored()
    const target = join(tempFolder('spill-stream'), 'disk')
    renameSync(join(one.dir, 'bodies'), target)
    symlinkSync(target, join(one.dir, 'bodies'))
    assert.equal(await contentOf(one), 'text')
  },
)

test('whenever an id was made, by whatever clock, its file is found under its day', async () => {
  const times = [0, Date.UTC(2026, 11, 31, 23, 59, 59, 999), Date.UTC(2027, 0, 1), Date.UTC(9999, 11, 31), 2 ** 48 - 1]
  const days = ['1970/01/01', '2026/12/31', '2027/01/01', '9999/12/31', '9999/12/31']
  for (const [i, time] of times.entries()) {
    const [dir, name] = [tempFolder('spill-stream'), spillName(uuidv7(time), 'request')]
    assert.equal(name.slice(0, 18), `bodies/${days[i]}/`)
    writeSpill({ dir, name, content: Buffer.from('text'), sync: false })
    assert.equal(await contentOf({ dir, name, path: join(dir, name) }), 'text')
  }
})

test('a file that is cut while it is read is not taken for whole', async () => {
  const key = { id: 'k', key: randomBytes(32) }
  for (const sealing of [undefined, key]) {
    const one = stored(randomBytes(1_000_000).toString('hex'), sealing)
    const place = placeOf(one.name)
    const file = await openSpillFile({ ...one, place, sealedBy: sealing?.id ?? null, keys: [key] })
    const pieces = file.pieces()
    await pieces.next()
    truncateSync(one.path, 300_000)
    await assert.rejects(async () => {
      for await (const _ of pieces);
    }, fails('altered'))
    await file.close()
  }
})

test('a reader who stops early leaves nothing open', async () => {
  const one = stored(randomBytes(1_000_000).toString('hex'))
  const file = await openSpillFile({ ...one, place: placeOf(one.name), sealedBy: null, keys: [] })
  for await (const piece of file.pieces()) if (piece.length > 0) break
  await file.close()
})

test('a frame that wants more memory than ours do is refused', async () => {
  const one = stored()
  const params = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_compressionLevel]: 1 }
  writeFileSync(one.path, zstdCompressSync(randomBytes(20_000_000), { params }))
  await assert.rejects(contentOf(one), fails('altered'))
})

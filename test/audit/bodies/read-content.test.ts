import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { appendFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { type ContentRow, contentReader } from '../../../src/audit/bodies/read-content.ts'
import { sealed, type SealKey } from '../../../src/audit/bodies/seal.ts'
import { spillName, writeSpill } from '../../../src/audit/bodies/spill-file.ts'
import { Unreadable } from '../../../src/audit/bodies/spill-stream.ts'
import { uuidv7 } from '../../../src/core/ids.ts'
import { tempFolder } from '../../support/temp.ts'

const key: SealKey = { id: 'k2', key: randomBytes(32) }
const old: SealKey = { id: 'k1', key: randomBytes(32) }
const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')

type Stored = { readonly dir: string; readonly row: ContentRow; readonly path: string }

/** A row whose request is in a file. */
function inFile(content: Uint8Array, with_?: SealKey): Stored {
  const [dir, id] = [tempFolder('content'), uuidv7(Date.now())]
  const name = spillName(id, 'request')
  const sha = writeSpill({ dir, name, content, sync: false, ...(with_ && { key: with_ }) })
  const row = { id, request_spill: name, request_body: null, request_sha256: sha, body_key: with_?.id ?? null }
  return { dir, row, path: join(dir, name) }
}

function inline(text: string, with_?: SealKey): Stored {
  const id = uuidv7(Date.now())
  const body = with_ ? sealed(with_, { id, side: 'request' }, Buffer.from(text)).toString('base64') : text
  const row = {
    id,
    request_spill: null,
    request_body: body,
    request_sha256: sha256(Buffer.from(text)),
    body_key: with_?.id ?? null,
  }
  return { dir: '/nowhere', row, path: '' }
}

const readerOf = ({ dir }: Stored, keys: readonly SealKey[] = [key, old]) => contentReader({ dir, keys })

async function whyOf(stored: Stored, keys?: readonly SealKey[]): Promise<string> {
  const reader = readerOf(stored, keys)
  const [read, checked] = [await reader.read(stored.row, 'request'), await reader.check(stored.row, 'request')]
  const given: Uint8Array[] = []
  await assert.rejects(async () => {
    for await (const piece of reader.pieces(stored.row, 'request')) given.push(piece)
  }, Unreadable)
  assert.equal(given.length, 0, 'not a byte is given out')
  assert.ok(read.kind === 'unreadable' && checked.kind === 'unreadable')
  assert.deepEqual([read.why, read.reason], [checked.why, checked.reason])
  return read.why
}

for (const sealing of [undefined, key, old]) {
  suite(
    `content ${sealing === undefined ? 'as it is' : `sealed by the ${sealing === key ? 'first' : 'second'} key`}`,
    () => {
      test('is read back, from a row or from a file, whole or in pieces', async () => {
        for (const length of [0, 1, 65_536, 300_000]) {
          const content = Buffer.from(randomBytes(length).toString('latin1'), 'utf8')
          for (const stored of [inFile(content, sealing), inline(content.toString(), sealing)]) {
            const reader = readerOf(stored)
            assert.deepEqual(await reader.read(stored.row, 'request'), { kind: 'content', bytes: content })
            assert.deepEqual(await reader.check(stored.row, 'request'), { kind: 'intact', bytes: content.length })
            const pieces: Uint8Array[] = []
            for await (const piece of reader.pieces(stored.row, 'request')) pieces.push(piece)
            assert.ok(Buffer.concat(pieces).equals(content))
          }
        }
      })

      test('is never given out when its file was cut, added to, changed or removed', async () => {
        const content = randomBytes(2_000)
        const size = readFileSync(inFile(content, sealing).path).length
        await fc.assert(
          fc.asyncProperty(fc.nat(size - 1), fc.constantFrom('cut', 'flip', 'add'), async (at, how) => {
            const stored = inFile(content, sealing)
            const bytes = readFileSync(stored.path)
            if (how === 'cut') truncateSync(stored.path, at)
            else if (how === 'add') appendFileSync(stored.path, randomBytes(1 + (at % 50)))
            else writeFileSync(stored.path, bytes.with(at, bytes[at]! ^ 0x10))
            const read = await readerOf(stored).read(stored.row, 'request')
            // A bit of a zstd frame may mean nothing, and so may a byte that could begin another; the content is what counts.
            if (read.kind === 'content') assert.ok(sealing === undefined && how !== 'cut' && read.bytes.equals(content))
            else assert.ok(read.kind === 'unreadable' && ['altered', 'no-key'].includes(read.why))
          }),
          { numRuns: 150 },
        )
        const gone = inFile(content, sealing)
        rmSync(gone.path)
        assert.equal(await whyOf(gone), 'missing')
      })

      test('is not that of another row or side', async () => {
        const [one, two] = [inFile(Buffer.from('one'), sealing), inFile(Buffer.from('two'), sealing)]
        writeFileSync(one.path, readFileSync(two.path))
        assert.equal(await whyOf(one), 'altered')
        // Nor is a name of another day: the file would seem to be missing.
        const elsewhere = String(two.row['request_spill']).replace(/\d{4}\/\d\d/, '2001/01')
        assert.equal(await whyOf({ ...two, row: { ...two.row, request_spill: elsewhere } }), 'altered')
        const [here, there] = [inline('here', sealing), inline('there', sealing)]
        assert.equal(
          await whyOf({ ...here, row: { ...here.row, request_body: there.row['request_body']! } }),
          'altered',
        )
      })
    },
  )
}

test('a row without content has none', async () => {
  const reader = contentReader({ dir: '/nowhere', keys: [] })
  const row = { id: uuidv7(Date.now()), request_body: null, request_spill: null, request_sha256: null, body_key: null }
  assert.deepEqual(await reader.read(row, 'request'), { kind: 'none' })
  assert.deepEqual(await reader.check(row, 'response'), { kind: 'none' })
})

test('content that was put where the row has no SHA-256 is not given out', async () => {
  const stored = inline('forged')
  assert.equal(await whyOf({ ...stored, row: { ...stored.row, request_sha256: null } }), 'altered')
})

test('without the key it says which one is wanted', async () => {
  for (const stored of [inFile(Buffer.from('text'), key), inline('text', key)]) {
    assert.equal(await whyOf(stored, [old]), 'no-key')
    const read = await readerOf(stored, []).read(stored.row, 'request')
    assert.ok(read.kind === 'unreadable')
    assert.match(read.reason, /sealed by the key "k2", which is not in audit\.encryption/)
    const wrong = await readerOf(stored, [{ id: 'k2', key: randomBytes(32) }]).read(stored.row, 'request')
    assert.ok(wrong.kind === 'unreadable' && wrong.why === 'no-key')
    assert.match(wrong.reason, /another than the one that sealed it/)
  }
})

test('more than the bound is not gathered, and can still be had in pieces', async () => {
  const stored = inFile(Buffer.alloc(1_000_000, 'text '), key)
  const read = await readerOf(stored).read(stored.row, 'request', 999_999)
  assert.ok(read.kind === 'unreadable' && read.why === 'too-large')
  let bytes = 0
  for await (const piece of readerOf(stored).pieces(stored.row, 'request')) bytes += piece.length
  assert.equal(bytes, 1_000_000)
})

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { bodyKeeper } from '../../src/audit/bodies/body.ts'
import { contentReader } from '../../src/audit/bodies/read-content.ts'
import type { Side } from '../../src/audit/bodies/seal.ts'
import { SallyportError } from '../../src/core/errors.ts'
import type { Rooms } from '../../src/engine/exchange.ts'
import { madeBody } from '../../src/http/body.ts'
import {
  answerOf,
  chatRequest,
  chatStream,
  chunksOf,
  converse,
  eventStream,
  ok,
  type Row,
  startEngine,
  wordRule,
} from '../support/engine.ts'
import { tempFolder } from '../support/temp.ts'

const engine = startEngine()
const octets = ['content-type', 'application/octet-stream']
const pieces = Array.from({ length: 30 }, () => randomBytes(3_000))
const content = Buffer.concat(pieces)

/** Bodies are stored as they were, in files from 1,000 bytes on. */
async function full(maxBytes = 1_000_000, dir = engine.dir): Promise<Rooms> {
  const keeper: Rooms['keeper'] = (id, side) =>
    bodyKeeper({ capture: true, store: 'full', inlineBytes: 1_000, maxBytes, dir, id, side })
  return engine.rooms('oversize: allow', { store: 'full', keeper, inspectBytes: 10_000 })
}

async function kept(row: Row, side: Side): Promise<Buffer | string> {
  const read = await contentReader({ dir: engine.dir, keys: [] }).read(row, side)
  return read.kind === 'content' ? read.bytes : read.kind
}

test('where bodies are stored as they were, so are those that nobody reads', async () => {
  const asked = { body: madeBody(chunksOf(pieces), undefined), headers: octets, host: 'files.test', path: '/up' }
  const { id, received, forwarded } = await converse(await full(), asked, answerOf(pieces.toReversed(), octets))
  const answer = Buffer.concat(pieces.toReversed())
  assert.ok(forwarded?.bytes.equals(content) && Buffer.concat(received.chunks).equals(answer))
  const row = await engine.row(id)
  assert.deepEqual(await kept(row, 'request'), content)
  assert.deepEqual(await kept(row, 'response'), answer)
  assert.partialDeepStrictEqual(row, {
    request_bytes: content.length,
    response_bytes: content.length,
    request_truncated: 0,
    response_truncated: 0,
    request_sha256: createHash('sha256').update(content).digest('hex'),
    state: 'done',
  })
})

test('where only what policy may store is stored, they are only counted', async () => {
  const rooms = await engine.rooms()
  const asked = { body: content, headers: octets, host: 'files.test', path: '/up' }
  const { id } = await converse(rooms, asked, answerOf(pieces, octets))
  const row = await engine.row(id)
  assert.deepEqual([await kept(row, 'request'), await kept(row, 'response')], ['none', 'none'])
  assert.deepEqual([row['request_bytes'], row['response_bytes']], [content.length, content.length])
})

test('beyond maxBytes nothing is kept, to the byte', async () => {
  for (const [most, truncated] of [
    [content.length - 1, 1],
    [content.length, 0],
    [content.length + 1, 0],
  ] as const) {
    const { id } = await converse(await full(most), { body: chatRequest('a') }, answerOf(pieces, octets))
    const row = await engine.row(id)
    assert.deepEqual(await kept(row, 'response'), content.subarray(0, most))
    assert.deepEqual([row['response_truncated'], row['response_bytes']], [truncated, content.length])
  }
})

test('of what breaks off the part that came is kept, and the row says that it is a part', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield* pieces.slice(0, 10)
    throw new SallyportError('upstream_closed', 'the origin broke off')
  }
  const part = Buffer.concat(pieces.slice(0, 10))
  const down = await converse(await full(), { body: chatRequest('a') }, answerOf(broken(), octets))
  const row = await engine.row(down.id)
  assert.deepEqual(await kept(row, 'response'), part)
  assert.deepEqual(
    [row['response_truncated'], row['state'], row['error']?.toString().split(';')[0]],
    [1, 'aborted', 'upstream_closed'],
  )
  const asked = { body: madeBody(broken(), undefined), headers: octets, host: 'files.test', path: '/up' }
  const up = await engine.row((await converse(await full(), asked, ok())).id)
  assert.deepEqual(await kept(up, 'request'), part)
  assert.equal(up['request_truncated'], 1)
})

test('a client that leaves early leaves what it got', async () => {
  const asked = { body: chatRequest('a'), leavesAfter: 4 }
  const { id } = await converse(await full(), asked, answerOf(pieces, octets))
  const row = await engine.row(id)
  assert.deepEqual(await kept(row, 'response'), Buffer.concat(pieces.slice(0, 4)))
  assert.equal(row['response_truncated'], 1)
})

test('a body that the disk does not take passes nevertheless, and the row says why it is not there', async () => {
  const dir = tempFolder('unread')
  writeFileSync(join(dir, 'bodies'), 'in the way')
  const asked = { body: madeBody(chunksOf(pieces), undefined), headers: octets, host: 'files.test', path: '/up' }
  const { id, received, forwarded } = await converse(await full(1_000_000, dir), asked, answerOf(pieces, octets))
  assert.ok(forwarded?.bytes.equals(content) && Buffer.concat(received.chunks).equals(content))
  const row = await engine.row(id)
  assert.match(String(row['error']), /request body not kept: E[A-Z]+; response body not kept: E[A-Z]+/)
  assert.deepEqual([row['request_spill'], row['response_spill'], row['state']], [null, null, 'done'])
})

test('a stream that is read and breaks off, or whose client leaves, is kept as a part', async () => {
  const events = chatStream('one', 'two', 'three')
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield* events.slice(0, 2)
    throw new SallyportError('upstream_closed', 'the origin broke off')
  }
  for (const policy of ['', wordRule('redact', 'response')]) {
    const rooms = await engine.rooms(policy)
    const asked = { body: chatRequest('a', { stream: true }) }
    const cut = await engine.row((await converse(rooms, asked, answerOf(broken(), eventStream))).id)
    const left = await engine.row(
      (await converse(rooms, { ...asked, leavesAfter: 1 }, answerOf(events, eventStream))).id,
    )
    const done = await engine.row((await converse(rooms, asked, answerOf(events, eventStream))).id)
    assert.deepEqual(
      [cut, left, done].map((row) => row['response_truncated']),
      [1, 1, 0],
      policy,
    )
    assert.match(String(cut['response_body']), /two/)
  }
})

test('a slow disk slows both sides, and what waits in between is a few pieces', async () => {
  for (const side of ['request', 'response'] as const) {
    let [given, taken] = [0, 0]
    const gates: (() => void)[] = []
    const slow: Rooms['keeper'] = (id, keeps) => {
      const keeper = bodyKeeper({
        capture: true,
        store: 'full',
        inlineBytes: 1_000,
        maxBytes: 10 ** 7,
        dir: engine.dir,
        id,
        side: keeps,
      })
      if (keeps !== side) return keeper
      return {
        ...keeper,
        write(chunk) {
          taken += 1
          return new Promise<void>((resolve) => gates.push(resolve)).then(() => keeper.write(chunk))
        },
      }
    }
    async function* counted(): AsyncGenerator<Uint8Array> {
      for (const piece of pieces) {
        given += 1
        yield piece
      }
    }
    const rooms = await engine.rooms('oversize: allow', { store: 'full', keeper: slow, inspectBytes: 2_000 })
    const up = { body: madeBody(side === 'request' ? counted() : chunksOf(pieces), undefined), headers: octets }
    const running = converse(
      rooms,
      { ...up, host: 'files.test', path: '/up' },
      answerOf(side === 'response' ? counted() : pieces, octets),
    )
    for (let through = 0; through < pieces.length; through += 1) {
      while (gates.length === 0) await new Promise(setImmediate)
      assert.ok(given - taken <= 2, `${side}: ${given} given, ${taken} taken`)
      gates.shift()?.()
    }
    const row = await engine.row((await running).id)
    assert.deepEqual(await kept(row, side), content)
  }
})

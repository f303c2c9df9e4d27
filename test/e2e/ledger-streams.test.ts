import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { request as ask, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import { contentReader } from '../../src/audit/bodies/read-content.ts'
import type { Value } from '../../src/audit/rows.ts'
import type { OriginResponse, SeenRequest } from '../support/origin.ts'
import { canMeasure, growth } from '../support/resident.ts'
import { startStage, tlsThrough, type Stage } from '../support/stage.ts'

// Bodies much larger than what may be held of them, on their way through the proxy into an encrypted ledger.

const host = 'api.openai.com'
const block = randomBytes(250_000)
const blocks = 480
const size = block.length * blocks
const event = Buffer.from(
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: randomBytes(3_000).toString('base64') } }] })}\n\n`,
)
const events = Math.ceil(size / event.length)

async function answer(seen: SeenRequest, response: OriginResponse): Promise<void> {
  const streams = seen.url.startsWith('/v1/')
  const [piece, count, type] = streams
    ? [event, events, 'text/event-stream']
    : [block, seen.method === 'GET' ? blocks : 0, 'application/octet-stream']
  response.writeHead(200, { 'content-type': type })
  await pipeline(Readable.from(repeated(piece, count)), response)
}

function* repeated(piece: Buffer, count: number): Generator<Buffer> {
  for (let i = 0; i < count; i += 1) yield piece
}

async function exchange(
  stage: Stage,
  path: string,
  body: { type: string; from: Iterable<Buffer> } | undefined,
): Promise<number> {
  const socket = await tlsThrough(stage.sallyport.proxyPort, `${host}:443`, stage.sallyport.ca(), ['http/1.1'])
  const headers = { host, ...(body && { 'content-type': body.type }) }
  const asked = ask({ createConnection: () => socket, method: body ? 'POST' : 'GET', path, headers })
  const answered = once(asked, 'response')
  await pipeline(Readable.from(body?.from ?? []), asked)
  const [response] = (await answered) as [IncomingMessage]
  assert.equal(response.statusCode, 200)
  let bytes = 0
  for await (const chunk of response) bytes += (chunk as Buffer).length
  socket.destroy()
  return bytes
}

const key = randomBytes(32)

test('large bodies pass and are kept whole in flat memory: an upload, a download, a stream of events', async () => {
  await using stage = await startStage(answer, {
    hosts: [host],
    config: {
      limits: { inspectBytes: 1_000_000 },
      audit: {
        bodies: { store: 'full', maxBytes: 10 * size },
        encryption: { keys: [{ id: 'k1', env: 'BODY_KEY' }] },
      },
    },
    env: { BODY_KEY: key.toString('base64') },
    policies: { 'a.yaml': { oversize: 'allow' } },
  })
  const { pid } = stage.sallyport.child
  const chat = { type: 'application/json', from: [Buffer.from('{"model":"m","stream":true,"messages":[]}')] }
  const octets = { type: 'application/octet-stream', from: repeated(block, blocks) }
  const shapes: [
    path: string,
    body: typeof octets | typeof chat | undefined,
    side: 'request' | 'response',
    bytes: number,
  ][] = [
    ['/up', octets, 'request', size],
    ['/down', undefined, 'response', size],
    ['/v1/chat/completions', chat, 'response', events * event.length],
  ]
  const reader = contentReader({ dir: join(stage.sallyport.dir, 'data'), keys: [{ id: 'k1', key }] })
  const sums = { '/v1/chat/completions': hashOf(event, events) }
  for (const [path, body, side, bytes] of shapes) {
    const run = async (): Promise<void> => void (await exchange(stage, path, body))
    const grown = canMeasure ? await growth(pid as number, run) : await run()
    assert.ok(grown === undefined || grown < size / 2 ** 20, `${path}: ${grown} MB more`)
    const row = (await stage.exchange(path)) as Record<string, Value>
    assert.deepEqual(
      [row[`${side}_bytes`], row[`${side}_truncated`], row['body_key'], row['state']],
      [bytes, 0, 'k1', 'done'],
    )
    assert.equal(row[`${side}_sha256`], sums[path as keyof typeof sums] ?? hashOf(block, blocks))
    assert.deepEqual(await reader.check(row, side), { kind: 'intact', bytes })
  }
  const inFiles = readdirSync(join(stage.sallyport.dir, 'data'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  assert.ok(!inFiles.some((path) => readFileSync(path).includes(key)), 'the key itself is stored nowhere')
})

function hashOf(piece: Buffer, count: number): string {
  const hash = createHash('sha256')
  for (let i = 0; i < count; i += 1) hash.update(piece)
  return hash.digest('hex')
}

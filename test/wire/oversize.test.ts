import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { after, before, test } from 'node:test'
import { startStage, type Stage } from '../support/stage.ts'

const host = 'api.openai.com'
const limit = 100_000
const stages: Record<'block' | 'allow', Stage> = {} as never

before(async () => {
  for (const oversize of ['block', 'allow'] as const)
    stages[oversize] = await startStage(
      (_seen, response, request) => {
        const answer = (): void => void response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
        request.on('end', answer)
      },
      {
        hosts: [host],
        origin: { early: true },
        config: { limits: { inspectBytes: limit } },
        policies: {
          '10-test.yaml': {
            oversize,
            rules: [
              {
                name: 'words',
                on: 'both',
                hook: 'keywords',
                options: { name: 'w', words: ['bluebird'] },
                action: 'block',
              },
            ],
          },
        },
      },
    )
})

after(async () => {
  for (const stage of Object.values(stages)) await stage[Symbol.asyncDispose]()
})

const head = (path: string, framing: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`

const seen = (stage: Stage, path: string) => stage.origin.seen.filter(({ url }) => url === path)

test('a body that says it is too large is refused before it is sent, and the origin hears nothing', async () => {
  const stage = stages.block
  const client = await stage.connect(host)
  client.send(head('/declared', `Content-Length: ${limit + 1}`))
  const answer = await client.answer()
  assert.deepEqual([answer.status, /sallyport_too_large/.test(answer.body)], [413, true])
  assert.deepEqual(seen(stage, '/declared'), [])
  const row = await stage.exchange('/declared')
  assert.deepEqual([row['error'], row['decision'], row['status']], ['sallyport_too_large', 'block', 413])
  client.close()
})

test('a body that turns out to be too large is refused as soon as it is, before its end', async () => {
  const stage = stages.block
  const client = await stage.connect(host)
  client.send(head('/chunked', 'Transfer-Encoding: chunked'))
  const piece = Buffer.alloc(limit / 2, 'a')
  for (let i = 0; i < 3; i += 1)
    client.send(Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]))
  assert.equal((await client.answer()).status, 413)
  assert.deepEqual(seen(stage, '/chunked'), [])
  client.close()
})

test('the same on HTTP/2, where the other streams go on', async () => {
  const stage = stages.block
  const session = await stage.http2(host)
  const open = (path: string, more: IncomingHttpHeaders = {}): ClientHttp2Stream =>
    session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/json', ...more })
  const declared = open('/h2-declared', { 'content-length': String(limit + 1) })
  assert.equal(await statusOf(declared), 413)
  const grows = open('/h2-grows')
  grows.write(Buffer.alloc(limit + 1, 'a'))
  assert.equal(await statusOf(grows), 413)
  const small = open('/h2-small')
  small.end('{}')
  assert.equal(await statusOf(small), 200)
  assert.deepEqual([...seen(stage, '/h2-declared'), ...seen(stage, '/h2-grows')], [])
  session.destroy()
})

async function statusOf(stream: ClientHttp2Stream): Promise<number> {
  stream.on('error', () => undefined)
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  stream.resume()
  return Number(headers[':status'])
}

for (const framing of ['Content-Length: 300000', 'Transfer-Encoding: chunked']) {
  test(`where policy allows it, a body too large goes on while it comes (${framing})`, async () => {
    const stage = stages.allow
    const path = `/${framing.length}`
    const client = await stage.connect(host)
    client.send(head(path, framing))
    const chunked = framing.startsWith('T')
    const send = (bytes: Buffer): void =>
      client.send(
        chunked ? Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]) : bytes,
      )
    send(Buffer.alloc(150_000, 'a'))
    const [one] = await waitedFor(() => seen(stage, path))
    await waitedFor(() => (one?.body.length === 150_000 ? [one] : []))
    send(Buffer.alloc(150_000, 'b'))
    if (chunked) client.send('0\r\n\r\n')
    await waitedFor(() => (one?.end === true ? [one] : []))
    assert.ok(one?.body.equals(Buffer.concat([Buffer.alloc(150_000, 'a'), Buffer.alloc(150_000, 'b')])))
    const row = await stage.exchange(path)
    assert.deepEqual([row['error'], row['request_bytes']], ['not_inspected: oversize', 300_000])
    client.close()
  })
}

test('an answer too large is 502 or 413 here where a rule must read it, and the origin is not left waiting', async () => {
  const stage = stages.block
  stage.origin.answer((one, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write(one.url === '/large' ? Buffer.alloc(3 * limit, 'a') : '{}')
    if (one.url !== '/large') response.end()
  })
  const client = await stage.connect(host)
  client.send(`GET /large HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  assert.equal((await client.answer()).status, 413)
  const [one] = seen(stage, '/large')
  assert.equal(one && (await stage.origin.settled(one)), 'aborted')
  client.close()
})

async function waitedFor<T>(find: () => readonly T[]): Promise<readonly T[]> {
  for (let waited = 0; waited < 10_000; waited += 10) {
    const found = find()
    if (found.length > 0) return found
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('it never came')
}

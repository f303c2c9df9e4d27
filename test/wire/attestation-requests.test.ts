import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { stringify } from 'yaml'
import { attesting, enrol } from '../support/attesting.ts'
import { startStage, tlsThrough, type Stage } from '../support/stage.ts'

let stage: Stage
const laptop = attesting('laptop-1')
const secret = 'bluebird'
const upgrades: (readonly string[])[] = []

const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
  upgrades.push(request.rawHeaders)
  new WebSocketServer({ noServer: true }).handleUpgrade(request, socket, head, (opened) => {
    opened.on('message', (data: Buffer) => opened.send(String(data)))
  })
}

before(async () => {
  stage = await startStage((seen, response) => void response.end(`${seen.body.length} ${secret}`), {
    hosts: ['api.test', 'live.test'],
    origin: { onUpgrade },
    config: { attestation: { accept: true, audience: 'egress-1', nexus: true }, limits: { inspectBytes: 100_000 } },
    policies: {
      'b.yaml': {
        oversize: 'block',
        intercept: [{ hosts: ['*.test'], action: 'inspect' }],
        rules: [
          { name: 'birds', on: 'both', hook: 'keywords', options: { name: 'birds', words: [secret] }, action: 'block' },
        ],
      },
    },
  })
  enrol(join(stage.sallyport.dir, 'data'), laptop)
})

after(() => stage[Symbol.asyncDispose]())

const attestationOf = (row: Record<string, unknown>): Record<string, unknown> => JSON.parse(String(row['attestation']))

/** A request with a nexus header for a body, and what came of it. */
async function post(path: string, body: string, value: string, more = `Content-Length: ${body.length}\r\n`) {
  const client = await stage.connect('api.test')
  const wire = more.includes('chunked') ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body
  client.send(`POST ${path} HTTP/1.1\r\nHost: api.test\r\nX-Nexus-Attestation: ${value}\r\n${more}\r\n${wire}`)
  if (more.includes('100-continue')) assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 100 /)
  const answer = await client.answer()
  client.close()
  const row = await stage.exchange(path)
  const seen = stage.origin.seen.find(({ url }) => url === path)
  assert.equal(seen?.headers.some((text) => /nexus|v1;/i.test(text)) ?? false, false)
  return { answer, row, seen, outcome: attestationOf(row)['outcome'] }
}

test('a body over what is inspected passes when its hash fits', async () => {
  const body = secret.repeat(100_000)
  const { answer, row, seen, outcome } = await post('/large', body, laptop.nexus(body))
  assert.deepEqual([answer.status, row['decision'], outcome], [200, 'attested', 'valid'])
  assert.equal(seen?.body.equals(Buffer.from(body)), true)
  assert.deepEqual([row['request_bytes'], row['request_body'], row['response_body']], [body.length, null, null])
  const { answer: other } = await post('/large-too', body, laptop.nexus(`${body}!`))
  assert.equal(other.status, 413)
})

test('of a body without a length, or over 8 MiB, the hash is that of nothing', async () => {
  const chunked = 'Transfer-Encoding: chunked\r\n'
  assert.equal((await post('/chunked', secret, laptop.nexus(''), chunked)).outcome, 'valid')
  const wrong = await post('/chunked-too', secret, laptop.nexus(secret), chunked)
  assert.deepEqual([wrong.outcome, wrong.answer.status], ['bad_signature', 403])
  const huge = 'x'.repeat(8_388_609)
  const { answer, seen, outcome } = await post('/huge', huge, laptop.nexus(''))
  assert.deepEqual([answer.status, outcome, seen?.body.length], [200, 'valid', huge.length])
})

test('a client that waits for 100 is told to go on, and its body is proved', async () => {
  const more = `Expect: 100-continue\r\nContent-Length: ${secret.length}\r\n`
  const { answer, outcome, row } = await post('/expects', secret, laptop.nexus(secret), more)
  assert.deepEqual([answer.status, outcome, row['decision']], [200, 'valid', 'attested'])
})

test('two headers are none', async () => {
  const more = `X-Nexus-Attestation: ${laptop.nexus(secret)}\r\nContent-Length: ${secret.length}\r\n`
  const { answer, outcome } = await post('/twice', secret, laptop.nexus(secret), more)
  assert.deepEqual([answer.status, outcome], [403, 'malformed'])
})

test('requests on one HTTP/2 connection are proved one by one', async () => {
  const session = await stage.http2('api.test')
  const ask = async (path: string, value: string | undefined) => {
    const header = value === undefined ? {} : { 'x-nexus-attestation': value }
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-length': secret.length, ...header })
    stream.end(secret)
    const [fields] = (await once(stream, 'response')) as [Record<string, unknown>]
    stream.resume()
    await once(stream, 'close')
    const row = await stage.exchange(path)
    return [fields[':status'], row['decision'], attestationOf(row)['outcome']]
  }
  const value = laptop.nexus(secret)
  assert.deepEqual(await ask('/h2-1', value), [200, 'attested', 'valid'])
  assert.deepEqual(await ask('/h2-2', value), [403, 'block', 'replayed'])
  assert.deepEqual(await ask('/h2-3', undefined), [403, 'block', 'missing'])
  assert.deepEqual(await ask('/h2-4', laptop.nexus(secret)), [200, 'attested', 'valid'])
  session.close()
  for (const { headers } of stage.origin.seen) assert.doesNotMatch(headers.join('\n'), /nexus/i)
})

test('a CONNECT token inside is no proof, and goes no further', async () => {
  const client = await stage.connect('api.test')
  const token = laptop.token('api.test:443')
  client.send(`GET /inside HTTP/1.1\r\nHost: api.test\r\nSallyport-Attestation: ${token}\r\n\r\n`)
  await client.answer()
  client.close()
  const row = await stage.exchange('/inside')
  assert.deepEqual([row['decision'], attestationOf(row)['outcome']], ['block', 'missing'])
  assert.doesNotMatch(stage.origin.seen.find(({ url }) => url === '/inside')?.headers.join('\n') ?? '', /attestation/i)
})

test('the handshake of a WebSocket proves nothing of its messages', async () => {
  const tls = await tlsThrough(stage.sallyport.proxyPort, 'live.test:443', stage.sallyport.ca(), ['http/1.1'])
  const headers = { 'x-nexus-attestation': laptop.nexus(''), 'sallyport-attestation': laptop.token('live.test:443') }
  const socket = new WebSocket('wss://live.test/live', { createConnection: () => tls, headers })
  await once(socket, 'open')
  socket.send(secret)
  const [code] = (await once(socket, 'close')) as [number]
  assert.equal(code, 1008)
  const row = await stage.exchange('/live')
  assert.deepEqual([row['decision'], row['attestation']], ['block', null])
  assert.equal(upgrades.length, 1)
  assert.doesNotMatch(upgrades[0]?.join('\n') ?? '', /attestation/i)
})

test('a client that goes away while its attestation is looked at leaves a row', async () => {
  const known = stage.sallyport.rows('connections').length
  for (let i = 0; i < 20; i += 1) {
    const client = await stage.raw()
    const token = laptop.token('api.test:443')
    client.send(`CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\nSallyport-Attestation: ${token}\r\n\r\n`)
    if (i % 2 === 0) client.reset()
    else client.close()
  }
  await stage.sallyport.rowsWhen('connections', (some) => some.length === known + 20)
})

test('what policy files accept for a host holds from the next connection on', async () => {
  const file = join(stage.sallyport.dir, 'policies', 'a.yaml')
  const handlings = async (): Promise<unknown> => {
    const known = new Set(stage.sallyport.rows('connections').map(({ id }) => id))
    const client = await stage.connect('api.test', {
      ca: stage.sallyport.ca() + stage.authority.cert,
      connectHeaders: `Sallyport-Attestation: ${laptop.token('api.test:443')}\r\n`,
    })
    client.send('GET /policy HTTP/1.1\r\nHost: api.test\r\n\r\n')
    await client.answer()
    client.close()
    return (await stage.row('connections', ({ id }) => !known.has(id)))['handling']
  }
  const becomes = async (wanted: string): Promise<void> => {
    for (let tries = 0; (await handlings()) !== wanted; tries += 1) {
      assert.ok(tries < 200, wanted)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  await becomes('attested')
  writeFileSync(
    file,
    stringify({ intercept: [{ hosts: ['api.test'], action: 'inspect', attestation: { accept: false } }] }),
  )
  await becomes('inspect')
  rmSync(file)
  await becomes('attested')
})

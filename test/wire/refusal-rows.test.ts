import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startOrigin, type Origin, type SeenRequest } from '../support/origin.ts'
import { startStage, type Row, type Stage } from '../support/stage.ts'

const host = 'api.openai.com'
let stage: Stage
let plain: Origin

before(async () => {
  plain = await startOrigin(() => undefined)
  stage = await startStage((seen, response) => void response.end(`${seen.url}`), {
    hosts: [host],
    origin: { alpn: ['http/1.1'] },
    origins: { [`${host}:80`]: plain },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await plain.close()
})

const lastSeen = (): SeenRequest | undefined => stage.origin.seen.at(-1)

test('what cannot be read behind a request at the plain port is told by a row of the connection', async () => {
  const before = stage.sallyport.rows('connections').length
  const client = await stage.raw()
  client.send('GET /ca.pem HTTP/1.1\r\nHost: proxy\r\n\r\n')
  assert.equal((await client.answer()).status, 200)
  client.send('nonsense\r\n\r\n')
  assert.equal((await client.answer()).status, 400)
  await client.rest()
  const rows = await stage.sallyport.rowsWhen('connections', (some) => some.length > before)
  assert.deepEqual(
    rows.slice(before).map((row) => row['error']),
    ['malformed_request'],
  )
})

test('a CONNECT inside a CONNECT has a row of its own', async () => {
  const client = await stage.connect(host)
  client.send(
    'CONNECT other.test:99 HTTP/1.1\r\nHost: other.test:99\r\n\r\nGET /behind HTTP/1.1\r\nHost: other.test\r\n\r\n',
  )
  assert.equal((await client.answer()).status, 405)
  assert.equal(await client.rest(), '')
  const row = await stage.row('exchanges', (one) => one['method'] === 'CONNECT')
  assert.deepEqual([row['status'], row['error'], row['host']], [405, 'connect_in_tunnel', host])
  assert.ok(!stage.sallyport.rows('exchanges').some((one) => one['path'] === '/behind'))
})

test('trailers that would frame, route or authenticate are left out, the others pass', async () => {
  const client = await stage.connect(host)
  client.send(
    `POST /trailers HTTP/1.1\r\nHost: ${host}\r\nContent-Type: audio/mpeg\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n` +
      '5\r\nhello\r\n0\r\nHost: b.example\r\nAuthorization: x\r\nX-Sum: 1\r\n\r\n',
  )
  assert.equal((await client.answer()).status, 200)
  client.close()
  const seen = lastSeen()
  assert.deepEqual([seen?.text(), seen?.header('host'), seen?.header('authorization')], ['hello', host, undefined])
  assert.deepEqual(seen?.trailers, ['X-Sum', '1'])
})

for (const field of ['Content-Length: 3', 'Transfer-Encoding: chunked']) {
  test(`a trailer ${field} is refused`, async () => {
    const client = await stage.connect(host)
    client.send(
      `POST /framed HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n${field}\r\n\r\n`,
    )
    assert.equal((await client.answer()).status, 400)
    await client.rest()
    assert.ok(!stage.origin.seen.some(({ url }) => url === '/framed'))
  })
}

test('a body that breaks while it is passed on is refused, recorded, and incomplete for the origin', async () => {
  const client = await stage.connect(host)
  const head = `POST /passed HTTP/1.1\r\nHost: ${host}\r\nContent-Type: audio/mpeg\r\nTransfer-Encoding: chunked\r\n\r\n`
  client.send(`${head}5\r\nhello\r\n`)
  await until(() => lastSeen()?.url === '/passed')
  client.send(`x\r\nGET /smuggled HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  const answer = await client.answer()
  assert.deepEqual([answer.status, answer.header('sallyport-error')], [400, 'malformed_request'])
  await client.rest()
  const row = await stage.exchange('/passed')
  assert.deepEqual([row['state'], row['error']], ['aborted', 'malformed_request; not_inspected: audio/mpeg'])
  await until(() => lastSeen()?.outcome === 'aborted')
  assert.deepEqual([lastSeen()?.url, lastSeen()?.end], ['/passed', false])
})

const odd: [what: string, text: string][] = [
  ['empty lines before it', `\r\n\r\nGET /odd HTTP/1.1\r\nHost: ${host}\r\n\r\n`],
  ['a tab before a value', `POST /odd HTTP/1.1\r\nHost:\t${host}\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n`],
  ['zeros before a length', `POST /odd HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0003\r\n\r\nabc`],
  ['two hundred fields', `GET /odd HTTP/1.1\r\nHost: ${host}\r\n${'X-A: b\r\n'.repeat(200)}\r\n`],
  ['a field of 15 KB', `GET /odd HTTP/1.1\r\nHost: ${host}\r\nX: ${'x'.repeat(15_000)}\r\n\r\n`],
  ['bytes beyond ASCII in a value', `GET /odd HTTP/1.1\r\nHost: ${host}\r\nX: \xe9\xff\r\n\r\n`],
  [
    'chunk extensions',
    `POST /odd HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b;c\r\nabc\r\n0;d\r\n\r\n`,
  ],
]

for (const [what, text] of odd) {
  test(`a request with ${what} has one reading, and passes`, async () => {
    const client = await stage.connect(host)
    client.send(text)
    assert.equal((await client.answer()).body, '/odd')
    client.close()
  })
}

test('a CONNECT that comes while Sallyport is stopping is 503, with one row', async () => {
  const answer = Promise.withResolvers<void>()
  plain.answer(async (_seen, response) => {
    await answer.promise
    response.end('late')
  })
  const client = await stage.raw()
  client.send(`GET http://${host}/late HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await until(() => plain.seen.length > 0)
  const connections = stage.sallyport.rows('connections').length
  const stopped = stage.sallyport.stop()
  await until(() => refusesConnections())
  client.send(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`)
  answer.resolve()
  assert.equal((await client.answer()).body, 'late')
  const refused = await client.answer()
  assert.deepEqual([refused.status, refused.header('sallyport-error')], [503, 'shutting_down'])
  await client.rest()
  assert.equal(await stopped, 0)
  const rows: Row[] = stage.sallyport
    .rows('connections')
    .slice(connections)
    .filter((row) => row['host'] !== null)
  assert.deepEqual(
    rows.map((row) => [row['host'], row['error']]),
    [[host, 'shutting_down']],
  )
})

async function refusesConnections(): Promise<boolean> {
  return stage.raw().then(
    (client) => (client.close(), false),
    () => true,
  )
}

async function until(fits: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; !(await fits()); turn += 1) {
    assert.ok(turn < 6_000, 'it never came to that')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

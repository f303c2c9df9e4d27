import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { connect as connectTls } from 'node:tls'
import { testAuthority } from '../support/authority.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import { startStage, type Stage } from '../support/stage.ts'

const hosts = ['one.test', 'two.test', 'crowd.test']
const authority = testAuthority()
let stage: Stage
let mutual: Origin

before(async () => {
  mutual = await startOrigin(
    (_seen, response, request) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate()
      response.end(`hello ${String(subject.CN)}`)
    },
    { authority, names: ['mutual.test'], alpn: ['http/1.1'], tls: { requestCert: true, ca: authority.cert } },
  )
  stage = await startStage((seen, response) => void response.end(seen.url), {
    hosts,
    authority,
    origins: { 'mutual.test:443': mutual },
    policies: {
      'a.yaml': {
        intercept: [
          { hosts: ['mutual.test'], action: 'tunnel' },
          { hosts: ['*.test'], action: 'inspect' },
        ],
      },
    },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await mutual.close()
})

/** The client's side of a CONNECT that has been answered. */
async function tunnel(host: string) {
  const raw = await stage.raw()
  raw.send(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`)
  assert.match(await raw.until('\r\n\r\n'), /^HTTP\/1\.1 200 /)
  for (const event of ['data', 'end', 'close', 'error']) raw.socket.removeAllListeners(event)
  return raw.socket
}

test('a client that speaks only TLS 1.1 gets the alert that says so, and its row names the host it asked for', async () => {
  const client = connectTls({
    socket: await tunnel('one.test'),
    servername: 'one.test',
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  })
  const [error] = (await once(client, 'error')) as [Error]
  assert.match(error.message, /protocol version/i)
  const row = await stage.row('connections', (one) => one['handling'] === 'failed')
  assert.deepEqual([row['sni'], row['host'], row['reason']], ['one.test', 'one.test', 'handshake: version'])
})

/** One request over TLS in a CONNECT; a session of before may be offered. */
async function visit(host: string, servername: string, session?: Buffer) {
  const client = connectTls({
    socket: await tunnel(host),
    servername,
    // A session may come without the certificate that it was made with.
    checkServerIdentity: () => undefined,
    ca: stage.sallyport.ca(),
    ...(session === undefined ? {} : { session }),
  })
  let ticket: Buffer | undefined
  client.on('session', (fresh: Buffer) => (ticket = fresh))
  client.write(`GET /${host} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  let resumed = false
  client.on('secureConnect', () => (resumed = client.isSessionReused()))
  const answer = Buffer.concat((await client.toArray()) as Buffer[]).toString()
  return { ticket, resumed, answer }
}

test('a session is resumed for its own host, never for another, whatever the client names', async () => {
  const first = await visit('one.test', 'one.test')
  assert.equal(first.resumed, false)
  assert.ok(first.ticket)
  assert.equal((await visit('one.test', 'one.test', first.ticket)).resumed, true)
  for (const servername of ['two.test', '']) {
    const other = await visit('two.test', servername, first.ticket)
    assert.equal(other.resumed, false, JSON.stringify(servername))
    assert.match(other.answer, /^HTTP\/1\.1 200 /)
  }
})

test('two hundred clients that ask for a new name at once share one leaf', async () => {
  const minted = async (): Promise<number> => {
    const { body } = await stage.sallyport.get('/metrics')
    return Number(/^sallyport_leaf_certificates_total\{outcome="minted"\} (\d+)$/m.exec(body)?.[1] ?? 0)
  }
  const before = await minted()
  const serials = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const client = connectTls({
        socket: await tunnel('crowd.test'),
        servername: 'crowd.test',
        ca: stage.sallyport.ca(),
      })
      await once(client, 'secureConnect')
      const { serialNumber } = client.getPeerX509Certificate() ?? {}
      client.destroy()
      return serialNumber
    }),
  )
  assert.equal(new Set(serials).size, 1)
  assert.equal((await minted()) - before, 1)
})

test('through a tunnel the client’s own certificate reaches the origin', async () => {
  const client = connectTls({
    socket: await tunnel('mutual.test'),
    servername: 'mutual.test',
    ca: authority.cert,
    ...authority.issue(['ada'], { usage: 'client' }),
  })
  client.write('GET / HTTP/1.1\r\nHost: mutual.test\r\nConnection: close\r\n\r\n')
  const answer = Buffer.concat((await client.toArray()) as Buffer[]).toString()
  assert.match(answer, /hello ada$/m)
  const row = await stage.row('connections', (one) => one['host'] === 'mutual.test')
  assert.deepEqual([row['handling'], row['sni']], ['tunnel', 'mutual.test'])
})

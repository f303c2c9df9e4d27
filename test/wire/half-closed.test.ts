import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { after, before, test } from 'node:test'
import { over, type RawClient } from '../support/raw-client.ts'
import { scriptedOrigin, type ScriptedOrigin } from '../support/scripted-origin.ts'
import { startStage, type Stage } from '../support/stage.ts'

let stage: Stage
let origin: ScriptedOrigin
let script: (connection: RawClient) => unknown = () => undefined

before(async () => {
  origin = await scriptedOrigin(
    (connection) => {
      connection.socket.on('error', () => undefined)
      return Promise.resolve(script(connection)).catch(() => undefined)
    },
    { allowHalfOpen: true },
  )
  const plain = { address: `127.0.0.1:${origin.port}` }
  stage = await startStage(
    (_seen, response) => {
      setTimeout(() => response.end('late'), 400)
    },
    {
      hosts: ['secure.test'],
      origin: { alpn: ['http/1.1'] },
      origins: { 'read.test:80': plain, 'unread.test:80': plain },
      policies: {
        'a.yaml': {
          intercept: [
            { hosts: ['read.test', 'secure.test'], action: 'inspect' },
            { hosts: ['*'], action: 'tunnel' },
          ],
        },
      },
    },
  )
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await origin[Symbol.asyncDispose]()
})

/** A connection whose other direction stays open when one has ended. */
async function plain(): Promise<RawClient> {
  const socket = connectTcp({ port: stage.sallyport.proxyPort, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'connect')
  return over(socket)
}

for (const host of ['read.test', 'unread.test']) {
  for (const version of ['1.1', '1.0']) {
    test(`${host}: a client of HTTP/${version} that closes its side after the request gets the whole answer`, async () => {
      script = async (connection) => {
        await connection.until('\r\n\r\n')
        await new Promise((resolve) => setTimeout(resolve, 400))
        connection.send('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlate')
      }
      const client = await plain()
      client.send(`GET http://${host}/half HTTP/${version}\r\nHost: ${host}\r\n\r\n`)
      client.end()
      const said = await client.rest()
      assert.match(said.replaceAll('HTTP/1.1 100 Continue\r\n\r\n', ''), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nlate$/)
      if (version === '1.0') assert.doesNotMatch(said, /100 Continue/)
    })
  }

  test(`${host}: an origin that closes its side after its answer has given a whole one`, async () => {
    script = async (connection) => {
      await connection.until('\r\n\r\n')
      connection.send('HTTP/1.0 200 OK\r\nContent-Type: audio/wav\r\n\r\nuntil the end')
      connection.end()
    }
    const client = await stage.raw()
    client.send(`GET http://${host}/until-close HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    const answer = await client.answer()
    assert.deepEqual([answer.status, answer.body], [200, 'until the end'])
    client.close()
  })

  const broken: [what: string, fields: string, body: string][] = [
    ['a length', 'Content-Length: 100\r\n', 'too short'],
    ['chunks', 'Transfer-Encoding: chunked\r\n', '9\r\ntoo short\r\n'],
  ]
  for (const [what, fields, body] of broken) {
    test(`${host}: an answer framed by ${what} that ends too early does not look whole, to HTTP/1.0 neither`, async () => {
      script = async (connection) => {
        await connection.until('\r\n\r\n')
        connection.send(`HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\n${fields}\r\n${body}`)
        connection.end()
      }
      for (const version of ['1.1', '1.0']) {
        const client = await stage.raw()
        client.send(`GET http://${host}/broken HTTP/${version}\r\nHost: ${host}\r\n\r\n`)
        const said = await client.rest().catch((error: NodeJS.ErrnoException) => error.code ?? '')
        const whole =
          said.endsWith('\r\n0\r\n\r\n') ||
          (version === '1.0' && !/content-length/i.test(said) && client.socket.errored === null)
        assert.equal(whole, false, said)
      }
    })
  }
}

test('inside TLS, a client that closes its side after the request gets the whole answer', async () => {
  const socket = connectTcp({ port: stage.sallyport.proxyPort, host: '127.0.0.1', allowHalfOpen: true })
  socket.write('CONNECT secure.test:443 HTTP/1.1\r\nHost: secure.test:443\r\n\r\n')
  await once(socket, 'data')
  const tls = connectTls({ socket, servername: 'secure.test', ca: stage.sallyport.ca() })
  await once(tls, 'secureConnect')
  const client = over(tls)
  client.send('GET /half-tls HTTP/1.1\r\nHost: secure.test\r\n\r\n')
  client.end()
  const said = await client.rest()
  assert.match(said.replaceAll('HTTP/1.1 100 Continue\r\n\r\n', ''), /^HTTP\/1\.1 200 OK\r\n[^]*late/)
  assert.deepEqual((await stage.exchange('/half-tls'))['state'], 'done')
})

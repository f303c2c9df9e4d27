import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { createServer as createHttp } from 'node:http'
import { test } from 'node:test'
import { lastWords, lingers, type LingerTerms } from '../../src/http/linger.ts'
import { rawClient, type RawClient } from '../support/raw-client.ts'

const patient: LingerTerms = { totalMs: 60_000, quietMs: 30_000, bytes: 100_000_000 }

async function refusing(
  terms: LingerTerms,
): Promise<{ client: RawClient; [Symbol.asyncDispose]: () => Promise<void> }> {
  const http = createHttp((request, response) => {
    lingers(request, terms)
    response.shouldKeepAlive = false
    response.writeHead(413, { 'content-length': 7 }).end('refused')
  })
  const server = createServer((socket) => void http.emit('connection', socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = await rawClient((server.address() as AddressInfo).port)
  return {
    client,
    [Symbol.asyncDispose]: async () => {
      client.close()
      server.close()
    },
  }
}

test('a client that writes all of a large body before it reads gets the answer, and then the end', async () => {
  await using one = await refusing(patient)
  one.client.socket.pause()
  one.client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n')
  const written = Promise.withResolvers<void>()
  one.client.socket.write(Buffer.alloc(20_000_000), () => written.resolve())
  await written.promise
  one.client.socket.resume()
  assert.match(await one.client.rest(), /^HTTP\/1\.1 413 [^]*refused$/)
})

const bounds: [what: string, terms: LingerTerms, more: number][] = [
  ['says nothing for a while', { ...patient, quietMs: 30 }, 0],
  ['has had its time', { ...patient, totalMs: 30 }, 0],
  ['sends too much', { ...patient, quietMs: 30, bytes: 100 }, 200],
]

for (const [what, terms, more] of bounds) {
  test(`a client that ${what} is not waited for`, async () => {
    await using one = await refusing(terms)
    one.client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n')
    const closed = once(one.client.socket, 'close')
    one.client.socket.on('end', () => undefined)
    assert.match(await one.client.until('refused'), /^HTTP\/1\.1 413 /)
    one.client.send('x'.repeat(more))
    await closed
  })
}

async function refusingAtOnce(
  terms: LingerTerms,
): Promise<{ client: RawClient; got: () => number; [Symbol.asyncDispose]: () => Promise<void> }> {
  let got = 0
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      got += chunk.length
      lastWords(socket, 'refused', terms)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = await rawClient((server.address() as AddressInfo).port)
  return {
    client,
    got: () => got,
    [Symbol.asyncDispose]: async () => {
      client.close()
      server.close()
    },
  }
}

test('last words reach a client that writes a lot before it reads, and nobody else reads what it writes', async () => {
  await using one = await refusingAtOnce(patient)
  one.client.socket.pause()
  const written = Promise.withResolvers<void>()
  one.client.send('x')
  one.client.socket.write(Buffer.alloc(20_000_000), () => written.resolve())
  await written.promise
  one.client.socket.resume()
  assert.equal(await one.client.rest(), 'refused')
  assert.ok(one.got() < 1_000_000)
})

for (const [what, terms, more] of bounds) {
  test(`after last words a client that ${what} is not waited for`, async () => {
    await using one = await refusingAtOnce(terms)
    one.client.socket.allowHalfOpen = true
    one.client.socket.on('error', () => undefined)
    one.client.send('x')
    const closed = new Promise((resolve) => one.client.socket.once('close', resolve))
    await one.client.until('refused')
    const sending = setInterval(() => one.client.send('x'.repeat(more || 1)), what.startsWith('says') ? 100 : 5)
    await closed
    clearInterval(sending)
  })
}

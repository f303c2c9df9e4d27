import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { test } from 'node:test'
import { classify, firstBytes } from '../../src/proxy/peek.ts'

async function pair(): Promise<{ near: Socket; far: Socket; close: () => void }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [near] = (await once(server, 'connection')) as [Socket]
  far.on('error', () => undefined)
  return {
    near,
    far,
    close: () => {
      far.destroy()
      near.destroy()
      server.close()
    },
  }
}

test('requests are told from TLS and from other protocols, however few bytes there are', () => {
  assert.equal(classify(Buffer.from('GET / HTTP/1.1'))?.kind, 'http')
  assert.equal(classify(Buffer.from('PRI * HTTP/2.0'))?.kind, 'http')
  assert.equal(classify(Buffer.from('GE')), undefined)
  assert.equal(classify(Buffer.from([0x16])), undefined)
  assert.equal(classify(Buffer.from('SSH-2.0-x'))?.kind, 'other')
  assert.equal(classify(Buffer.from([0, 1, 2]))?.kind, 'other')
  assert.equal(classify(Buffer.from('ABCDEFGHIJKL'))?.kind, 'other')
})

test('a connection that has closed before anybody looked is closed', async () => {
  const { near, close } = await pair()
  const closed = once(near, 'close')
  near.destroy()
  await closed
  assert.equal((await firstBytes(near, 600_000)).kind, 'closed')
  close()
})

test('what was looked at is still there', async () => {
  const { near, far, close } = await pair()
  const seen = firstBytes(near, 5_000)
  far.write('GE')
  far.write('T / HTTP/1.1\r\n')
  assert.equal((await seen).kind, 'http')
  near.resume()
  const [chunk] = (await once(near, 'data')) as [Buffer]
  assert.match(chunk.toString(), /^GET \//)
  close()
})

test('a client that closes, says nothing, or stops half way is told apart', async () => {
  for (const [act, kind] of [
    [(far: Socket) => void far.end(), 'closed'],
    [() => undefined, 'silent'],
    [(far: Socket) => void far.write('GE'), 'silent'],
    [(far: Socket) => void far.end('GE'), 'other'],
  ] as const) {
    const { near, far, close } = await pair()
    const seen = firstBytes(near, 100)
    act(far)
    assert.equal((await seen).kind, kind)
    close()
  }
})

test('the wait ends early when somebody else says it is enough', async () => {
  const { near, close } = await pair()
  assert.equal((await firstBytes(near, 60_000, Promise.resolve())).kind, 'closed')
  close()
})

test('where somebody else ends the wait, the time begins with the first byte', async () => {
  const { near, far, close } = await pair()
  const { promise: enough, resolve: end } = Promise.withResolvers<void>()
  const seen = firstBytes(near, 50, enough)
  assert.equal(
    await Promise.race([seen, new Promise((resolve) => void setTimeout(resolve, 200, 'waiting'))]),
    'waiting',
  )
  far.write('\x16\x03')
  assert.deepEqual(await seen, { kind: 'silent', hello: true })
  end()
  close()
})

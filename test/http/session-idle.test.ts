import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type ClientHttp2Session, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { sessionIdle } from '../../src/http/session-idle.ts'

async function scene() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client: ClientHttp2Session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const [[session]] = (await Promise.all([once(server, 'session'), once(client, 'remoteSettings')])) as [
    [ServerHttp2Session],
    unknown,
  ]
  return {
    client,
    session,
    [Symbol.asyncDispose]: async () => {
      client.destroy()
      server.close()
    },
  }
}

test('a session without activity is told of once, and again after more', async () => {
  await using one = await scene()
  let told = 0
  const both = Promise.withResolvers<void>()
  const quiet = sessionIdle(one.session, 10, () => {
    told += 1
    if (told === 1) quiet.refresh()
    else both.resolve()
  })
  await both.promise
  assert.equal(told, 2)
})

test('a PING is activity', async (t) => {
  await using one = await scene()
  const timeout = Object.getPrototypeOf(setTimeout(() => undefined, 0)) as NodeJS.Timeout
  sessionIdle(one.session, 60_000, () => undefined)
  const { mock } = t.mock.method(timeout, 'refresh')
  const before = mock.calls.length
  const heard = once(one.session, 'ping')
  one.client.ping(() => undefined)
  await heard
  assert.ok(mock.calls.length > before)
})

test('nothing waits for a session that has ended', async () => {
  await using one = await scene()
  let told = 0
  const quiet = sessionIdle(one.session, 200, () => (told += 1))
  one.session.destroy()
  await once(one.session, 'close')
  quiet.refresh()
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(told, 0)
})

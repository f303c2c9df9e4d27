import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls'
import { endStalled } from '../../src/proxy/stalled.ts'
import { testAuthority } from '../support/authority.ts'

async function pair(): Promise<{ near: Socket; far: Socket; close: () => void }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [near] = (await once(server, 'connection')) as [Socket]
  for (const socket of [near, far]) socket.on('error', () => undefined)
  const close = (): void => {
    far.destroy()
    near.destroy()
    server.close()
  }
  return { near, far, close }
}

const much = Buffer.alloc(32 * 2 ** 20)

test('a client that takes nothing of what waits for it is let go', async () => {
  const { near, far, close } = await pair()
  const watch = endStalled(() => [near], 200)
  far.pause()
  near.write(much)
  await once(near, 'close')
  watch.stop()
  close()
})

test('the same when it takes nothing through TLS', async () => {
  const { near, far, close } = await pair()
  const identity = testAuthority().issue(['a.test'])
  const secure = new TLSSocket(near, { isServer: true, secureContext: createSecureContext(identity) })
  secure.on('error', () => undefined)
  const client = connectTls({ socket: far, rejectUnauthorized: false })
  client.on('error', () => undefined)
  await once(client, 'secureConnect')
  const watch = endStalled(() => [near], 200)
  client.pause()
  far.pause()
  secure.write(much)
  await once(secure, 'close')
  assert.equal(near.destroyed, true)
  watch.stop()
  close()
})

test('one that reads slowly, or has nothing to read, stays', async () => {
  const [slow, idle] = [await pair(), await pair()]
  const watch = endStalled(() => [slow.near, idle.near], 800)
  slow.far.on('data', () => {
    slow.far.pause()
    setTimeout(() => slow.far.resume(), 5)
  })
  slow.near.write(much)
  await new Promise((resolve) => setTimeout(resolve, 1_600))
  assert.ok(slow.far.bytesRead < much.length)
  assert.deepEqual([slow.near.destroyed, idle.near.destroyed], [false, false])
  watch.stop()
  slow.close()
  idle.close()
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { openTransparent } from '../../src/app/transparent.ts'
import { configIn, keptLog } from '../support/app.ts'
import { tempFolder } from '../support/temp.ts'

test('where nothing listens for redirected connections, nothing is kept of others', async () => {
  const { log } = await keptLog()
  assert.equal(openTransparent(configIn(), log), undefined)
})

test('a connection of its own is known by its end while it is open', async () => {
  const { log, text } = await keptLog()
  const opening = openTransparent(configIn(tempFolder('app'), { proxy: { transparent: ['127.0.0.1:0'] } }), log)
  assert.ok(opening !== undefined)
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(client, 'connect')
  opening.opened(client)
  const [socket] = (await accepted) as [Socket]
  const { isOwnDial } = opening.transparent
  const from = { address: '127.0.0.1', port: socket.remotePort ?? 0 }
  const to = { address: '127.0.0.1', port: socket.localPort ?? 0 }
  assert.equal(isOwnDial(from, to), true)
  assert.equal(isOwnDial(from, undefined), true)
  // Another program may use the same port for another target.
  assert.equal(isOwnDial(from, { ...to, address: '203.0.113.9' }), false)
  assert.equal(isOwnDial({ ...from, address: '127.0.0.2' }, to), false)
  assert.equal(isOwnDial({ ...from, port: from.port + 1 }, to), false)
  socket.destroy()
  client.destroy()
  await once(client, 'close')
  assert.equal(isOwnDial(from, to), false)
  assert.equal(isOwnDial(from, undefined), false)
  server.close()
  assert.equal(text(), '')
})

test('the addresses of this machine are told from others', async () => {
  const { log } = await keptLog()
  const config = configIn(tempFolder('app'), { proxy: { transparent: ['127.0.0.1:0'] } })
  const isLocal = openTransparent(config, log)?.transparent.isLocal
  const own = Object.values(networkInterfaces()).flatMap((some) => (some ?? []).map(({ address }) => address))
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', ...own.filter((one) => !one.startsWith('fe80'))])
    assert.equal(isLocal?.(address), true, address)
  for (const address of ['203.0.113.9', '2001:db8::9', '0.0.0.0']) assert.equal(isLocal?.(address), false, address)
})

test('that clients cannot say who they are is told once where they would have to', async () => {
  const { log, text } = await keptLog()
  openTransparent(configIn(tempFolder('app'), { proxy: { transparent: ['127.0.0.1:0'], auth: 'basic' } }), log)
  assert.match(text(), /redirected connections cannot say who they are/)
})

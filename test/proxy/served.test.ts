import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { newConnectionId } from '../../src/core/ids.ts'
import type { Connection } from '../../src/proxy/context.ts'
import { servedConnections } from '../../src/proxy/served.ts'

const connection = (): Connection => ({ id: newConnectionId(0), exchanges: 0 }) as Connection

test('connections without a request in flight are closed, the others are not', async () => {
  const served = servedConnections()
  const [idle, busy, tunnel] = [connection(), connection(), connection()]
  const sockets = new Map([idle, busy, tunnel].map((one) => [one, new PassThrough()]))
  for (const [one, socket] of sockets) served.add(one, socket)
  const { promise, resolve } = Promise.withResolvers<void>()
  const during = served.during(busy, promise)
  served.remove(tunnel)
  served.closeIdle()
  assert.deepEqual(
    [idle, busy, tunnel].map((one) => sockets.get(one)?.destroyed),
    [true, false, false],
  )
  resolve()
  await during
  served.closeIdle()
  assert.equal(sockets.get(busy)?.destroyed, true)
})

test('a connection whose request failed is idle again', async () => {
  const served = servedConnections()
  const one = connection()
  const socket = new PassThrough()
  served.add(one, socket)
  await assert.rejects(served.during(one, Promise.reject(new Error('no'))), /no/)
  served.closeIdle()
  assert.equal(socket.destroyed, true)
})

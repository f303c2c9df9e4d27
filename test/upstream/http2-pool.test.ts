import assert from 'node:assert/strict'
import { test } from 'node:test'
import { release } from '../../src/upstream/http2.ts'
import type { Http2Session } from '../../src/upstream/http2.ts'
import { http2Pool, notHttp2 } from '../../src/upstream/http2-pool.ts'
import { testAuthority } from '../support/authority.ts'
import { goaway } from '../support/http2-frames.ts'
import { http2Origin, type Http2Connection } from '../support/http2-origin.ts'
import { startOrigin } from '../support/origin.ts'
import { loopbackConnector } from '../support/scripted-origin.ts'

const authority = testAuthority()
const present = new AbortController().signal

/** An origin that allows two requests at once on a connection, or says other SETTINGS. */
async function scene(
  script: (connection: Http2Connection) => unknown = () => undefined,
  settings: Readonly<Record<number, number>> = { 3: 2 },
) {
  const origin = await http2Origin(authority, 'origin.test', script, settings)
  const at = { scheme: 'https', host: 'origin.test', port: origin.port } as const
  const pool = http2Pool(loopbackConnector(authority.cert), () => assert.fail('it speaks HTTP/2'))
  return {
    origin,
    pool,
    acquire: (signal = present): Promise<Http2Session> => pool.acquire(at, signal),
    [Symbol.asyncDispose]: async () => {
      pool.close()
      await origin[Symbol.asyncDispose]()
    },
  }
}

test('requests share a session up to what the origin allows, and then another is opened', async () => {
  await using one = await scene()
  const sessions = await Promise.all(Array.from({ length: 5 }, () => one.acquire()))
  assert.deepEqual([new Set(sessions).size, one.origin.connections()], [3, 3])
  assert.deepEqual(
    [...new Set(sessions)].map(({ open }) => open),
    [2, 2, 1],
  )
})

test('beyond its connections requests wait on the least busy one', async () => {
  await using one = await scene()
  const sessions = await Promise.all(Array.from({ length: 20 }, () => one.acquire()))
  assert.deepEqual([new Set(sessions).size, one.origin.connections()], [8, 8])
  assert.deepEqual(new Set(sessions.map(({ open }) => open)), new Set([2, 3]))
})

test('a session that has room again is taken again', async () => {
  await using one = await scene()
  const [first] = await Promise.all([one.acquire(), one.acquire()])
  release(first as Http2Session)
  assert.equal(await one.acquire(), first)
  assert.equal(one.origin.connections(), 1)
})

test('a session that the origin ends is not taken any more', async () => {
  await using one = await scene((connection) => setTimeout(() => connection.send(goaway(0, 0)), 50))
  const first = await one.acquire()
  await new Promise((resolve) => first.session.once('close', resolve).once('goaway', resolve))
  assert.notEqual(await one.acquire(), first)
})

test('a session on which much was reset is not taken any more, and ends with its last request', async () => {
  await using one = await scene()
  const first = await one.acquire()
  const late = await one.acquire()
  assert.equal(late, first)
  for (let i = 0; i < 76; i += 1) {
    release(first, true)
    if (i < 75) assert.equal(await one.acquire(), first)
  }
  const second = await one.acquire()
  assert.notEqual(second, first)
  assert.equal(first.session.closed, false)
  const closed = new Promise((resolve) => first.session.once('close', resolve))
  release(late)
  await closed
  assert.equal(await one.acquire(), second)
})

test('closing ends also sessions that take no more requests', async () => {
  await using one = await scene()
  const worn = await one.acquire()
  worn.worn()
  const fresh = await one.acquire()
  assert.notEqual(fresh, worn)
  one.pool.close()
  assert.deepEqual([worn.session.destroyed, fresh.session.destroyed], [true, true])
})

test('resets that come together leave no session with more than an origin bears', async () => {
  await using one = await scene(undefined, {})
  const sessions = await Promise.all(Array.from({ length: 250 }, () => one.acquire()))
  assert.deepEqual(
    [...new Set(sessions)].map(({ open }) => open),
    [100, 100, 50],
  )
})

test('a client that goes away while a connection is made is not waited for, and takes no room', async () => {
  await using one = await scene()
  const gone = new AbortController()
  const left = one.acquire(gone.signal)
  gone.abort()
  await assert.rejects(left, { code: 'client_aborted' })
  await assert.rejects(one.acquire(AbortSignal.abort()), { code: 'client_aborted' })
  const session = await one.acquire()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(session.open, 1)
})

test('an origin that chose HTTP/1.1, or cannot be reached, is told to all who wait', async () => {
  const origin = await startOrigin(() => undefined, { authority, names: ['origin.test'], alpn: ['http/1.1'] })
  const at = { scheme: 'https', host: 'origin.test', port: origin.port } as const
  let adopted = 0
  const pool = http2Pool(loopbackConnector(authority.cert), (_at, socket) => {
    adopted += 1
    socket.destroy()
  })
  const both = await Promise.allSettled([pool.acquire(at, present), pool.acquire(at, present)])
  assert.deepEqual(
    both.map((one) => one.status === 'rejected' && one.reason === notHttp2),
    [true, true],
  )
  assert.equal(adopted, 1)
  await origin.close()
  await assert.rejects(pool.acquire(at, present), { code: 'upstream_unreachable' })
  pool.close()
})

test('an origin that says GOAWAY and then never ends its side does not keep the connection', async () => {
  await using one = await scene((connection) => {
    connection.send(goaway(0, 0))
    connection.socket.pause()
  })
  const { session } = await one.acquire()
  if (!session.closed) session.close()
  await new Promise((resolve) => session.once('close', resolve))
  assert.equal(session.destroyed, true)
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { createSecureContext, type TLSSocket } from 'node:tls'
import { SallyportError } from '../../src/core/errors.ts'
import { connector } from '../../src/upstream/connect.ts'
import { dialTcp } from '../../src/upstream/dial.ts'
import type { Guard } from '../../src/upstream/guard.ts'
import { resuming } from '../../src/upstream/secure.ts'
import { testAuthority } from '../support/authority.ts'
import { startOrigin } from '../support/origin.ts'
import { scriptedOrigin } from '../support/scripted-origin.ts'

const authority = testAuthority()
const secure = { authority, names: ['a.test'] }
const to = (port: number, own = false, dialled: string[] = []) => {
  const context = createSecureContext({ ca: authority.cert })
  return connector({
    guard: async (host) => {
      dialled.push(host)
      if (host === 'forbidden.test') throw new SallyportError('address_not_allowed', 'no')
      return { addresses: ['127.0.0.1'], port }
    },
    secure: resuming(() => ({ id: '', context })),
    connectTimeoutMs: 5_000,
    isOwn: (address, at) => own && address === '127.0.0.1' && at === port,
  })
}

test('a plain connection and a secure one go where the guard says', async () => {
  await using plain = await startOrigin(() => undefined)
  const socket = await to(plain.port).http({ scheme: 'http', host: 'a.test', port: 80 }, ['h2'])
  assert.equal(socket.remotePort, plain.port)
  socket.destroy()
  await using origin = await startOrigin(() => undefined, secure)
  const tls = (await to(origin.port).http({ scheme: 'https', host: 'a.test', port: 443 }, ['h2'])) as TLSSocket
  assert.deepEqual([tls.authorized, tls.alpnProtocol], [true, 'h2'])
  tls.destroy()
})

test('what the guard refuses is not dialled', async () => {
  await using origin = await startOrigin(() => undefined)
  await assert.rejects(to(origin.port).tcp({ host: 'forbidden.test', port: 80 }), { code: 'address_not_allowed' })
  assert.equal(origin.connections(), 0)
})

test('our own listeners are not dialled', async () => {
  await using origin = await startOrigin(() => undefined)
  await assert.rejects(to(origin.port, true).tcp({ host: 'a.test', port: 80 }), { code: 'loop_detected' })
  assert.equal(origin.connections(), 0)
})

test('a session is resumed on the next connection to the same origin with the same protocols', async () => {
  await using origin = await startOrigin(() => undefined, secure)
  const connect = to(origin.port)
  const dial = (alpn: string[]) =>
    connect.http({ scheme: 'https', host: 'a.test', port: 443 }, alpn) as Promise<TLSSocket>
  const first = await dial(['http/1.1'])
  await once(first, 'session')
  first.destroy()
  const [second, third] = [await dial(['http/1.1']), await dial(['h2'])]
  assert.deepEqual([second.isSessionReused(), third.isSessionReused()], [true, false])
  second.destroy()
  third.destroy()
})

test('all steps share the time, a look-up that hangs too, and end when nobody waits any more', async () => {
  await using silent = await scriptedOrigin(() => undefined)
  const steps: [what: string, guard: Guard, limit: number][] = [
    ['look-up', () => new Promise(() => undefined), 30],
    ['handshake', async () => ({ addresses: ['127.0.0.1'], port: silent.port }), 30],
    // Too long for the handshake that follows it, and not by itself.
    [
      'both',
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 150))
        return { addresses: ['127.0.0.1'], port: silent.port }
      },
      200,
    ],
  ]
  const secure = resuming(() => ({ id: '', context: createSecureContext() }))
  for (const [what, guard, connectTimeoutMs] of steps) {
    const origin = { scheme: 'https', host: 'a.test', port: 443 } as const
    const connect = connector({ guard, secure, connectTimeoutMs, isOwn: () => false })
    await assert.rejects(connect.http(origin, []), { code: 'upstream_timeout' }, what)
    const patient = connector({ guard, secure, connectTimeoutMs: 60_000, isOwn: () => false })
    const gone = new AbortController()
    const waiting = patient.http(origin, [], gone.signal)
    setImmediate(() => gone.abort())
    await assert.rejects(waiting, { code: 'client_aborted' }, what)
  }
})

test('what a parent carries goes by it: TLS and bytes in tunnels, plain requests as it wants them', async () => {
  await using origin = await startOrigin(() => undefined, secure)
  const asked: string[] = []
  const dial = async () => dialTcp('x', { addresses: ['127.0.0.1'], port: origin.port }, { connectTimeoutMs: 5_000 })
  const form = { fields: ['Proxy-Authorization', 'x'] }
  const carried = (host: string): boolean => host !== 'direct.test'
  const through = (plain: boolean) =>
    connector({
      guard: async (host, port) =>
        carried(host) ? { addresses: [], port, carried: true } : { addresses: ['127.0.0.1'], port: origin.port },
      secure: resuming(() => ({ id: '', context: createSecureContext({ ca: authority.cert }) })),
      connectTimeoutMs: 5_000,
      isOwn: () => false,
      parent: {
        carried,
        tunnel: async ({ host, port }) => (asked.push(`${host}:${port}`), dial()),
        plain: plain ? { open: async () => (asked.push('plain'), dial()), form } : undefined,
      },
    })
  const plainOrigin = { scheme: 'http', host: 'a.test', port: 80 } as const
  for (const plain of [true, false]) {
    const connect = through(plain)
    const sockets = [
      await connect.tcp({ host: 'a.test', port: 1 }),
      await connect.tcp({ host: 'direct.test', port: 1 }),
      await connect.http({ scheme: 'https', host: 'a.test', port: 443 }, []),
      await connect.http(plainOrigin, []),
    ]
    for (const socket of sockets) socket.destroy()
    assert.deepEqual(asked.splice(0), ['a.test:1', 'a.test:443', plain ? 'plain' : 'a.test:80'])
    assert.equal(connect.form?.(plainOrigin), plain ? form : undefined)
    assert.equal(connect.form?.({ ...plainOrigin, scheme: 'https' }), undefined)
    assert.equal(connect.form?.({ ...plainOrigin, host: 'direct.test' }), undefined)
  }
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { createSecureContext, type TLSSocket } from 'node:tls'
import { SallyportError } from '../../src/core/errors.ts'
import { connector } from '../../src/upstream/connect.ts'
import { resuming } from '../../src/upstream/secure.ts'
import { testAuthority } from '../support/authority.ts'
import { startOrigin } from '../support/origin.ts'

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

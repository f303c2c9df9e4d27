import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { createSecureContext, type TLSSocket } from 'node:tls'
import { dialTcp } from '../../src/upstream/dial.ts'
import { resuming } from '../../src/upstream/secure.ts'
import { testAuthority } from '../support/authority.ts'
import { startOrigin } from '../support/origin.ts'

const authority = testAuthority()
const limits = { connectTimeoutMs: 5_000 }

test('a session is for one host, port, list of protocols and client certificate', async () => {
  await using origin = await startOrigin(() => undefined, {
    authority,
    names: ['a.test', 'b.test'],
    tls: { requestCert: true, rejectUnauthorized: false, ca: authority.cert },
  })
  const known = createSecureContext({ ca: authority.cert, ...authority.issue(['client'], { usage: 'client' }) })
  const common = createSecureContext({ ca: authority.cert })
  let shows = false
  const secure = resuming(() => (shows ? { id: '0', context: known } : { id: '', context: common }))
  const reused = async (host: string, alpn: readonly string[], withCertificate = false): Promise<boolean> => {
    shows = withCertificate
    const route = { addresses: ['127.0.0.1'], port: origin.port }
    const socket: TLSSocket = await secure(await dialTcp(host, route, limits), { host, port: 443 }, alpn, limits)
    const again = socket.isSessionReused()
    if (!again) await once(socket, 'session')
    socket.destroy()
    return again
  }
  assert.equal(await reused('a.test', ['http/1.1']), false)
  assert.equal(await reused('a.test', ['http/1.1']), true)
  assert.equal(await reused('a.test', ['h2']), false)
  assert.equal(await reused('b.test', ['http/1.1']), false)
  assert.equal(await reused('a.test', ['http/1.1'], true), false)
  assert.equal(await reused('a.test', ['http/1.1'], true), true)
  assert.equal(await reused('a.test', ['http/1.1']), true)
})

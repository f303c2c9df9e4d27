import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { dialTcp, startTls } from '../../src/upstream/dial.ts'
import type { SallyportError } from '../../src/core/errors.ts'
import { codeOf, hasNoProtocol, tlsFault, tlsReason } from '../../src/upstream/tls-fault.ts'
import { selfSigned, testAuthority } from '../support/authority.ts'
import { startOrigin, type OriginOptions } from '../support/origin.ts'

const authority = testAuthority()
const trusted = createSecureContext({ ca: authority.cert, minVersion: 'TLSv1.2' })
const limits = { connectTimeoutMs: 5_000 }
const hour = 3_600_000
const invalid = 'upstream_certificate_invalid'

async function handshake(port: number): Promise<void> {
  const socket = await dialTcp('a.test', { addresses: ['127.0.0.1'], port }, limits)
  const secure = await startTls(socket, 'a.test', { ...limits, context: trusted, alpn: ['http/1.1'] })
  secure.destroy()
}

const origins: [what: string, options: OriginOptions, code: string, words: RegExp][] = [
  [
    'a certificate that has expired',
    { identity: authority.issue(['a.test'], { notBefore: -2 * hour, notAfter: -hour }) },
    invalid,
    /has expired \(CERT_HAS_EXPIRED\)/,
  ],
  [
    'a certificate that is not valid yet',
    { identity: authority.issue(['a.test'], { notBefore: hour }) },
    invalid,
    /not valid yet/,
  ],
  ['a certificate for another name', { authority, names: ['b.test'] }, invalid, /another name/],
  [
    'a certificate of an unknown authority',
    { authority: testAuthority(), names: ['a.test'] },
    invalid,
    /issuer is not known/,
  ],
  ['a certificate that signs itself', { identity: selfSigned('a.test') }, invalid, /self-signed/],
  [
    'a certificate for clients',
    { identity: authority.issue(['a.test'], { usage: 'client' }) },
    invalid,
    /not for servers/,
  ],
  [
    'TLS up to 1.1 only',
    { authority, names: ['a.test'], tls: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } },
    'upstream_tls_failed',
    /alert protocol version/,
  ],
  [
    'no cipher in common',
    { authority, names: ['a.test'], tls: { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' } },
    'upstream_tls_failed',
    /alert handshake failure/,
  ],
  [
    'no protocol in common',
    { authority, names: ['a.test'], alpn: ['h2'] },
    'upstream_tls_failed',
    /alert no application protocol/,
  ],
  [
    'TLS 1.2 that wants a client certificate',
    {
      authority,
      names: ['a.test'],
      tls: { maxVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: true, ca: authority.cert },
    },
    'upstream_tls_failed',
    /closed during the handshake|alert/,
  ],
]
for (const [what, options, code, words] of origins) {
  test(`an origin with ${what} is refused, and the reason told`, async () => {
    await using origin = await startOrigin(() => undefined, options)
    await assert.rejects(handshake(origin.port), { code, message: words })
  })
}

const sockets: [what: string, behave: (socket: Socket) => void, words: RegExp][] = [
  ['speaks plain HTTP', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), /does not speak TLS/],
  ['closes during the handshake', (socket) => socket.once('data', () => socket.end()), /closed during the handshake/],
  ['resets', (socket) => socket.once('data', () => socket.resetAndDestroy()), /connection was reset/],
  ['sends a fatal alert', (socket) => socket.write(Buffer.from([0x15, 3, 3, 0, 2, 2, 40])), /alert handshake failure/],
  [
    'sends an alert for its name',
    (socket) => socket.write(Buffer.from([0x15, 3, 3, 0, 2, 2, 112])),
    /alert unrecognized name/,
  ],
]
for (const [what, behave, words] of sockets) {
  test(`an origin that ${what} is refused, and the reason told`, async () => {
    const server = createServer((socket) => behave(socket.on('error', () => undefined))).listen(0, '127.0.0.1')
    await once(server, 'listening')
    await assert.rejects(handshake((server.address() as AddressInfo).port), {
      code: 'upstream_tls_failed',
      message: words,
    })
    server.close()
  })
}

test('alerts are told by their names, by number or by code', () => {
  const error = (message: string, code: string) => Object.assign(new Error(message), { code })
  assert.equal(tlsReason(error('x:SSL alert number 116:', 'ERR_SSL_X')), 'alert certificate required')
  assert.equal(tlsReason(error('x:SSL alert number 199:', 'ERR_SSL_X')), 'alert 199')
  assert.equal(tlsReason(error('x', 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')), 'alert certificate required')
  assert.equal(tlsReason(error('x', 'EOTHER')), undefined)
  assert.match(tlsFault('a.test', error('x', 'EOTHER')).message, /no TLS with a\.test: EOTHER$/)
})

test('the code of a failure of several addresses is that of the first', () => {
  assert.equal(codeOf(new AggregateError([Object.assign(new Error('x'), { code: 'EFIRST' })])), 'EFIRST')
  assert.equal(codeOf(new Error('words')), 'words')
})

test('a handshake without a protocol in common is told from others that fail', () => {
  const failed = (message: string, code?: string): SallyportError =>
    tlsFault('a.test', Object.assign(new Error(message), code === undefined ? {} : { code }))
  assert.ok(hasNoProtocol(failed('SSL alert number 120')))
  assert.ok(hasNoProtocol(failed('x', 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL')))
  assert.ok(!hasNoProtocol(failed('SSL alert number 40')))
  assert.ok(!hasNoProtocol(new Error('no application protocol')))
})

import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import type { ClientHttp2Session } from 'node:http2'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { testAuthority } from '../support/authority.ts'
import { startOrigin, type Origin, type OriginHandler } from '../support/origin.ts'
import { installSallyport } from '../support/sallyport.ts'
import { startStage, type Stage } from '../support/stage.ts'
import { tempFolder } from '../support/temp.ts'

const authority = testAuthority()
const dir = tempFolder('client-certs')
const file = (name: string, text: string, mode = 0o600): string => {
  const path = join(dir, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}
const certificate = (name: string, mode = 0o600) => {
  const { cert, key } = authority.issue([name], { usage: 'client' })
  return { cert: file(`${name}.pem`, cert), key: file(`${name}.key`, key, mode) }
}

// Tells whom it sees.
const whom: OriginHandler = (_seen, response, request) => {
  const socket = ('stream' in request ? request.stream.session?.socket : request.socket) as TLSSocket
  response.end(String(socket.getPeerCertificate().subject?.CN ?? 'nobody'))
}

let stage: Stage
let strict13: Origin
let strict12: Origin

before(async () => {
  const strict = { requestCert: true, rejectUnauthorized: true, ca: authority.cert }
  const names = ['known.strict.test', 'unknown.test', 'unknown12.test', 'known12.strict.test']
  strict13 = await startOrigin(whom, { authority, names, tls: strict })
  strict12 = await startOrigin(whom, { authority, names, tls: { ...strict, maxVersion: 'TLSv1.2' } })
  stage = await startStage(whom, {
    hosts: ['a.test', 'b.test', 'none.test', 'x.wild.test'],
    authority,
    origin: { tls: { requestCert: true, rejectUnauthorized: false, ca: authority.cert } },
    origins: {
      'known.strict.test:443': strict13,
      'unknown.test:443': strict13,
      'known12.strict.test:443': strict12,
      'unknown12.test:443': strict12,
    },
    config: {
      upstream: {
        clientCerts: [
          { hosts: ['a.test'], ...certificate('cert-a') },
          { hosts: ['B.test', '*.wild.test'], ...certificate('cert-b', 0o644) },
          { hosts: ['*.strict.test', 'a.test'], ...certificate('cert-c') },
        ],
      },
    },
    policies: { 'a.yaml': { intercept: [{ hosts: ['*'], action: 'inspect' }] } },
  })
})
after(async () => {
  await stage[Symbol.asyncDispose]()
  await Promise.all([strict13.close(), strict12.close()])
})

async function ask(host: string, version: '1.1' | '2'): Promise<string> {
  if (version === '2') {
    const session: ClientHttp2Session = await stage.http2(host)
    const stream = session.request({ ':path': `/two-${host}`, ':authority': host })
    let status = 0
    stream.on('response', (headers) => (status = Number(headers[':status'])))
    const body = Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>)).toString()
    session.destroy()
    return status === 200 ? body : `${status} ${body}`
  }
  const client = await stage.connect(host)
  client.send(`GET /one-${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  const { status, body } = await client.answer()
  client.close()
  return status === 200 ? body : `${status} ${body}`
}

const shown: [host: string, name: string][] = [
  ['a.test', 'cert-a'],
  ['none.test', 'nobody'],
  ['b.test', 'cert-b'],
  ['x.wild.test', 'cert-b'],
  ['known.strict.test', 'cert-c'],
  ['known12.strict.test', 'cert-c'],
]
for (const version of ['1.1', '2'] as const) {
  test(`over HTTP/${version} each host is shown its own certificate, however they take turns`, async () => {
    for (let round = 0; round < 3; round += 1) {
      for (const [host, name] of shown) assert.equal(await ask(host, version), name, host)
    }
  })

  for (const host of ['unknown.test', 'unknown12.test']) {
    test(`over HTTP/${version} ${host}, which wants a certificate and gets none, fails with its alert`, async () => {
      const answer = await ask(host, version)
      assert.match(answer, /^502 .*TLS/)
      assert.match(answer, host === 'unknown.test' ? /certificate required/ : /closed during the handshake|alert/)
      const row = await stage.exchange(`/${version === '2' ? 'two' : 'one'}-${host}`)
      assert.equal(row['error'], 'upstream_tls_failed')
    })
  }
}

test('a key that others may read is warned of', () => {
  assert.match(stage.sallyport.log(), /upstream\.clientCerts\[1\]: others may read [^"]*cert-b\.key/)
  assert.doesNotMatch(stage.sallyport.log(), /cert-[ac]\.key/)
})

const bad: [what: string, entry: () => { cert: string; key: string }, words: RegExp][] = [
  ['is not there', () => ({ cert: join(dir, 'missing.pem'), key: certificate('x').key }), /cannot read .*missing\.pem/],
  [
    'is another certificate’s',
    () => ({ cert: certificate('x').cert, key: file('other.key', testAuthority().key) }),
    /are not a certificate and its key/,
  ],
  [
    'is no key',
    () => ({ cert: certificate('x').cert, key: file('no.key', 'nonsense') }),
    /are not a certificate and its key/,
  ],
]
for (const [what, entry, words] of bad) {
  test(`a file that ${what} is a fault of the configuration, at start`, async () => {
    const sallyport = await installSallyport({
      config: { upstream: { clientCerts: [{ hosts: ['a.test'], ...entry() }] } },
    })
    const { status, stderr } = await sallyport.run(['serve'])
    assert.notEqual(status, 0)
    assert.match(stderr, words)
  })
}

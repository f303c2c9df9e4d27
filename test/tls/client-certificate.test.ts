import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { connect, createSecureContext } from 'node:tls'
import fc from 'fast-check'
import {
  alternativeNames,
  clientCertificate,
  principalOf,
  type ClientCertificate,
} from '../../src/tls/client-certificate.ts'
import { intercept } from '../../src/tls/intercept.ts'
import { testAuthority, type IssueOptions } from '../support/authority.ts'

const authority = testAuthority('Clients')
const stranger = testAuthority('Clients')
const hour = 3_600_000

const names: [what: string, dns: string[], options: IssueOptions, principal: string | undefined][] = [
  ['its common name', ['a.example'], { subject: ['ada'] }, 'ada'],
  ['its common name before all else', ['a.example'], { subject: ['Zoë B.'], uris: ['spiffe://x/y'] }, 'Zoë B.'],
  [
    'a URI without one',
    ['a.example'],
    { subject: [], uris: ['spiffe://x/y'], emails: ['a@b.example'] },
    'spiffe://x/y',
  ],
  ['a DNS name without these', ['a.example', 'b.example'], { subject: [], emails: ['a@b.example'] }, 'a.example'],
  ['a mail address without these', [], { subject: [], emails: ['a@b.example'] }, 'a@b.example'],
  ['a URI with commas in it whole', [], { subject: [], uris: ['spiffe://x/y, DNS:admin'] }, 'spiffe://x/y, DNS:admin'],
  ['nobody without any name', [], { subject: [] }, undefined],
  ['nobody by an address', ['127.0.0.1'], { subject: [] }, undefined],
  ['nobody by two common names', [], { subject: ['ada', 'root'] }, undefined],
  ['nobody by an empty name', ['a.example'], { subject: [''] }, undefined],
  ['nobody by a name with a line end', [], { subject: ['ada\nCN=root'] }, undefined],
  ['nobody by a name too long', [], { subject: ['a'.repeat(300)] }, undefined],
]

for (const [what, dns, options, principal] of names) {
  test(`a certificate names ${what}`, () => {
    assert.equal(principalOf(new X509Certificate(authority.issue(dns, options).cert)), principal)
  })
}

test('whatever the alternative names hold, they come apart as they went in', () => {
  // Node quotes a value as JSON when it has a character that could be mistaken for a separator.
  const value = fc.string({ minLength: 1, maxLength: 20 })
  const kind = fc.constantFrom('URI', 'DNS', 'email')
  fc.assert(
    fc.property(fc.array(fc.tuple(kind, value), { maxLength: 6 }), (entries) => {
      const text = entries
        .map(([of, one]) => `${of}:${/^[a-z0-9.@/:-]*$/i.test(one) ? one : JSON.stringify(one)}`)
        .join(', ')
      const found = alternativeNames(text)
      for (const label of ['URI', 'DNS', 'email']) {
        assert.deepEqual(
          found.get(label) ?? [],
          entries.filter(([some]) => some === label).map(([, one]) => one),
        )
      }
    }),
  )
})

const shown: [what: string, identity: { cert: string; key: string } | undefined, expected: ClientCertificate][] = [
  ['none', undefined, { kind: 'none' }],
  ['one of the authority', authority.issue(['ada'], { usage: 'client' }), { kind: 'valid', principal: 'ada' }],
  [
    'one of another of the same name',
    stranger.issue(['ada'], { usage: 'client' }),
    { kind: 'invalid', because: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
  ],
  [
    'one that has expired',
    authority.issue(['ada'], { usage: 'client', notBefore: -3 * hour, notAfter: -hour }),
    { kind: 'invalid', because: 'CERT_HAS_EXPIRED' },
  ],
  [
    'one that is not valid yet',
    authority.issue(['ada'], { usage: 'client', notBefore: hour }),
    { kind: 'invalid', because: 'CERT_NOT_YET_VALID' },
  ],
  ['one for servers', authority.issue(['ada']), { kind: 'invalid', because: 'INVALID_PURPOSE' }],
  [
    'one that names nobody',
    authority.issue([], { usage: 'client', subject: [] }),
    { kind: 'invalid', because: 'it names nobody' },
  ],
]

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  for (const [what, identity, expected] of shown) {
    test(`a client that shows ${what} on ${version} is ${expected.kind}, and stays so when it resumes`, async (t) => {
      const visit = await door(t)
      const first = await visit(identity, version)
      assert.deepEqual([first.outcome, first.resumed], [expected, false])
      const again = await visit(identity, version, first.session)
      assert.deepEqual([again.outcome, again.resumed], [expected, true])
    })
  }
}

test('a session outlives its certificate, but does not make it valid', async (t) => {
  const visit = await door(t)
  const identity = authority.issue(['ada'], { usage: 'client' })
  const first = await visit(identity, 'TLSv1.3')
  assert.equal(first.outcome.kind, 'valid')
  const later = await visit(identity, 'TLSv1.3', first.session, Date.now() + 48 * hour)
  assert.deepEqual([later.outcome, later.resumed], [{ kind: 'invalid', because: 'CERT_HAS_EXPIRED' }, true])
})

/** A server that asks for certificates; each visit tells what it made of the client. */
async function door(t: test.TestContext) {
  const server = createServer()
  t.after(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = authority.issue(['door.example'])
  const context = createSecureContext({ ...own, ca: authority.cert, sessionIdContext: 'door' })
  return async (
    identity: { cert: string; key: string } | undefined,
    version: 'TLSv1.2' | 'TLSv1.3',
    session?: Buffer,
    now = Date.now(),
  ) => {
    const accepted = once(server, 'connection')
    const client = connect({
      port: (server.address() as AddressInfo).port,
      ca: authority.cert,
      servername: 'door.example',
      minVersion: version,
      maxVersion: version,
      ...identity,
      ...(session === undefined ? {} : { session }),
    })
    const ticket = once(client, 'session') as Promise<[Buffer]>
    client.resume()
    const [socket] = await accepted
    const outcome = await intercept(socket, { context, alpn: ['http/1.1'], timeoutMs: 10_000, requestCert: true })
    assert.ok(outcome.kind === 'secure')
    const told = clientCertificate(outcome.socket, now)
    outcome.socket.write('x')
    const fresh = session ?? (await ticket)[0]
    client.destroy()
    return { outcome: told, resumed: outcome.resumed, session: fresh }
  }
}

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tlsContext, type TlsFiles } from '../../../src/audit/sinks/tls-files.ts'
import { testAuthority } from '../../support/authority.ts'
import { tempFolder } from '../../support/temp.ts'

const folder = tempFolder('tls-files')
const at = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
const authority = testAuthority()
const client = authority.issue(['gate'], { usage: 'client' })
const ca = at('ca.pem', authority.cert)
const clientCert = at('client.pem', client.cert + authority.cert)
const clientKey = at('client.key', client.key)
mkdirSync(join(folder, 'folder'))

const good: [string, TlsFiles][] = [
  ['nothing', {}],
  ['an authority', { ca }],
  ['a chain and its key', { clientCert, clientKey }],
  ['all three', { ca, clientCert, clientKey }],
]

for (const [what, files] of good) {
  test(`${what} makes a context`, () => {
    assert.ok(tlsContext(files).context)
  })
}

const broken = authority.cert.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA')
const bad: [string, TlsFiles, RegExp][] = [
  ['a missing authority', { ca: join(folder, 'none.pem') }, /^ca: cannot read .*none\.pem$/],
  ['a folder', { ca: join(folder, 'folder') }, /^ca: cannot read/],
  ['a key for an authority', { ca: clientKey }, /^ca: .* holds no certificates$/],
  [
    'an authority that cannot be read',
    { ca: at('broken.pem', broken) },
    /^ca: .* holds a certificate that cannot be read$/,
  ],
  ['a certificate without its key', { clientCert }, /only of use together/],
  ['a key without its certificate', { clientKey }, /only of use together/],
  ['another key', { clientCert, clientKey: at('other.key', testAuthority().key) }, /is not the key of/],
  ['no key', { clientCert, clientKey: clientCert }, /holds no private key/],
]

for (const [what, files, message] of bad) {
  test(`${what} is refused, without what is in the file`, () => {
    assert.throws(() => tlsContext(files), { code: 'config_invalid', message })
  })
}

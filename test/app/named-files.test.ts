import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { namedFiles } from '../../src/app/named-files.ts'
import { newDeviceKey } from '../../src/attest/keys.ts'
import { loadWithOrigins } from '../../src/config/load.ts'
import { testAuthority } from '../support/authority.ts'
import { tempFolder } from '../support/temp.ts'

const signed = (by: string): string =>
  `{ upstream: { proxy: "http://h:1" }, attestation: { sign: { ${by}, audience: egress-1 } } }`

function found(text: string) {
  const cwd = tempFolder('named-files')
  const authority = testAuthority()
  const { cert, key } = authority.issue(['proxy.test'])
  writeFileSync(join(cwd, 'ca.pem'), authority.cert)
  writeFileSync(join(cwd, 'own.pem'), cert)
  writeFileSync(join(cwd, 'own.key'), key, { mode: 0o600 })
  writeFileSync(join(cwd, 'open.key'), key, { mode: 0o644 })
  writeFileSync(join(cwd, 'other.key'), testAuthority().issue(['x.test']).key, { mode: 0o600 })
  writeFileSync(join(cwd, 'device.pem'), newDeviceKey().privatePem, { mode: 0o600 })
  writeFileSync(join(cwd, 'sallyport.yaml'), text)
  return namedFiles(loadWithOrigins({ env: {}, cwd }))
}

test('files that can be used are no problem', () => {
  const text = `proxy: { auth: mtls, tls: { cert: own.pem, key: own.key, clientCa: [ca.pem] } }
upstream: { ca: [ca.pem], proxy: "http://u:p@h:1", clientCerts: [{ hosts: [a.test], cert: own.pem, key: own.key }] }`
  assert.deepEqual(found(text), { problems: [], warnings: [] })
  assert.deepEqual(found(signed('key: device.pem, device: laptop-7')), { problems: [], warnings: [] })
  assert.deepEqual(found(''), { problems: [], warnings: [] })
})

const faulty = [
  ['proxy: { tls: { cert: none.pem, key: own.key } }', 'proxy.tls', /none\.pem/],
  ['proxy: { tls: { cert: own.pem, key: other.key } }', 'proxy.tls', /is not the key/],
  ['proxy: { auth: mtls, tls: { cert: own.pem, key: own.key, clientCa: [none.pem] } }', 'proxy.tls', /none\.pem/],
  ['upstream: { ca: [none.pem] }', 'upstream.ca', /cannot read .*none\.pem/],
  ['upstream: { ca: [own.key] }', 'upstream.ca', /own\.key holds no certificates/],
  [
    'audit: { export: [{ name: soc, type: syslog, address: "tls://h:1", ca: own.key }] }',
    'audit.export',
    /^audit\.export: soc: ca: .*own\.key holds no certificates/,
  ],
  [
    'audit: { export: [{ name: soc, type: webhook, url: "https://h", secret: s, clientCert: own.pem, clientKey: other.key }] }',
    'audit.export',
    /other\.key is not the key of/,
  ],
  ['upstream: { proxy: "http://h:1/path" }', 'upstream.proxy', /has a path/],
  ['upstream: { proxy: "http://h:0" }', 'upstream.proxy', /port 0/],
  [signed('key: none.pem, device: laptop-7'), 'attestation.sign', /none\.pem cannot be read/],
  [signed('key: own.key, device: laptop-7'), 'attestation.sign', /not an Ed25519 private key/],
  [signed('key: device.pem, device: no/device'), 'attestation.sign', /device is not a device id/],
  [
    'audit: { encryption: { keys: [{ id: k1, file: none.key }] } }',
    'audit.encryption',
    /\(k1\): cannot read .*none\.key/,
  ],
  ['audit: { encryption: { keys: [{ id: k1, env: GONE }] } }', 'audit.encryption', /\(k1\): .*GONE is not set/],
  ['audit: { encryption: { keys: [{ id: k1, file: own.pem }] } }', 'audit.encryption', /\(k1\): .* not hold a key/],
  [
    'upstream: { clientCerts: [{ hosts: [a.test], cert: own.pem, key: none.key }] }',
    'upstream.clientCerts',
    /none\.key/,
  ],
  [
    'upstream: { clientCerts: [{ hosts: [a.test], cert: own.pem, key: other.key }] }',
    'upstream.clientCerts',
    /not a certificate and its key/,
  ],
] as const
for (const [text, key, message] of faulty) {
  test(`a problem of its setting, with its place: ${text}`, () => {
    const [problem, ...more] = found(text).problems
    assert.deepEqual(more, [])
    assert.equal(problem?.key, key)
    assert.match(problem?.message ?? '', message)
    assert.ok(problem?.at.kind === 'file' && problem.at.line === 1)
  })
}

test('a key that others can read is a warning', { skip: process.platform === 'win32' }, () => {
  const { problems, warnings } = found('proxy: { tls: { cert: own.pem, key: open.key } }')
  assert.deepEqual(problems, [])
  assert.match(warnings.join(), /open\.key can be read by others/)
})

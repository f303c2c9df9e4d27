import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { newDeviceKey } from '../../src/attest/keys.ts'
import { parseToken } from '../../src/attest/token.ts'
import type { ConnectionRow } from '../../src/audit/rows.ts'
import { SallyportError } from '../../src/core/errors.ts'
import type { Rooms } from '../../src/engine/exchange.ts'
import { recordedStamps, signing } from '../../src/app/signing.ts'
import { version } from '../../src/app/version.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { stamps } from '../../src/upstream/stamps.ts'
import { configIn } from '../support/app.ts'
import { tempFolder } from '../support/temp.ts'

const dir = tempFolder('signing')
const key = join(dir, 'device.pem')
writeFileSync(key, newDeviceKey().privatePem, { mode: 0o600 })

const configOf = (sign: Record<string, string> | null) =>
  configIn(dir, { attestation: { sign }, upstream: { proxy: 'http://parent.test:3128' } })
const settings = { key, device: 'laptop-7', audience: 'egress-1' }
const { make } = stamps(() => undefined)

test('nothing is signed unless the configuration says so', () => {
  assert.equal(signing(configOf(null), make, assert.fail), undefined)
})

test('each CONNECT gets a token of its own, for its authority and the policy set, and a stamp without the token', () => {
  const sign = signing(configOf(settings), make, assert.fail)?.('digest-1')
  const jtis = new Set<unknown>()
  for (const [host, authority] of [
    ['api.openai.com', 'api.openai.com:443'],
    ['api.openai.com', 'api.openai.com:443'],
    ['2001:db9::7', '[2001:db9::7]:443'],
  ] as const) {
    const { fields, stamp } = sign!({ host, port: 443 })
    assert.equal(fields[0], 'Sallyport-Attestation')
    const token = parseToken(fields[1] as string)
    assert.ok(token !== undefined)
    const { iat, exp, jti, ...claims } = token.claims
    assert.deepEqual(claims, {
      iss: 'laptop-7',
      aud: 'egress-1',
      authority,
      policy: 'digest-1',
      ver: version(),
    })
    assert.ok(exp - iat <= 120 && Math.abs(iat * 1_000 - Date.now()) < 60_000)
    const told = { outcome: 'signed', device: 'laptop-7', jti, policy: 'digest-1', audience: 'egress-1' }
    assert.deepEqual(JSON.parse(stamp.attestation), told)
    jtis.add(jti)
  }
  assert.equal(jtis.size, 3)
})

test('a key that cannot be used is a fault of the configuration, and is not in its message', () => {
  const broken = join(dir, 'broken.pem')
  writeFileSync(broken, '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n', { mode: 0o600 })
  for (const sign of [
    { ...settings, key: join(dir, 'missing.pem') },
    { ...settings, key: broken },
    { ...settings, device: 'no/device' },
  ]) {
    assert.throws(
      () => signing(configOf(sign), make, assert.fail),
      (error: SallyportError) =>
        error.code === 'config_invalid' &&
        /^attestation\.sign\.(?:key: .+|device) /.test(error.message) &&
        !error.message.includes('c2VjcmV0'),
    )
  }
})

test('a key that others may read is warned of', { skip: process.platform === 'win32' }, () => {
  const open = join(dir, 'open.pem')
  writeFileSync(open, newDeviceKey().privatePem)
  chmodSync(open, 0o644)
  const warnings: string[] = []
  signing(configOf({ ...settings, key: open }), make, (message) => warnings.push(message))
  assert.equal(warnings.length, 1)
})

test('a stamp that no other row tells of leaves a row of its own', () => {
  const rows: ConnectionRow[] = []
  const rooms = { recorder: { connection: (row: ConnectionRow) => rows.push(row) }, metrics: createMetrics() }
  const { make: stamp } = recordedStamps(rooms as unknown as Rooms)
  const about = { host: 'a.test', port: 443, attestation: '{"jti":"1"}' }
  stamp(about).ended(new SallyportError('parent_proxy_failed', 'the parent proxy: it answers with 403'))
  stamp(about).hold()(true)
  stamp(about).ended()
  assert.deepEqual(
    rows.map(({ handling, host, port, error, attestation }) => [handling, host, port, error, attestation]),
    [
      ['failed', 'a.test', 443, 'parent_proxy_failed', '{"jti":"1"}'],
      ['failed', 'a.test', 443, null, '{"jti":"1"}'],
    ],
  )
  assert.match(rows[0]?.reason ?? '', /403/)
})

import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import { certificateClock, certificateFiles } from '../../../src/cli/doctor/authority.ts'
import type { SetUp } from '../../../src/cli/doctor/check.ts'
import { configSchema } from '../../../src/config/schema.ts'
import { createAuthority } from '../../../src/tls/ca.ts'
import { testAuthority } from '../../support/authority.ts'
import { tempFolder } from '../../support/temp.ts'

const authority = testAuthority()
const other = testAuthority('another')

function certs(files: Record<string, string>): { dir: string; setUp: SetUp } {
  const dir = join(tempFolder('doctor'), 'certs')
  mkdirSync(dir)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text, { mode: 0o600 })
  const io = { stdin: Readable.from([]), stdout: new PassThrough(), stderr: new PassThrough(), env: {}, cwd: dir }
  return { dir, setUp: { config: configSchema.parse({ ca: { dir } }), io } }
}

const complete = { 'ca.pem': authority.cert, 'ca.key': authority.key, 'bundle.pem': `${other.cert}${authority.cert}` }

const cases: [string, Record<string, string>, 'ok' | 'warn' | 'fail', RegExp][] = [
  ['nothing yet', {}, 'ok', /will be made/],
  ['a certificate without its key', { 'ca.pem': authority.cert }, 'fail', /ca\.key is missing/],
  ['a key without its certificate', { 'ca.key': authority.key }, 'fail', /ca\.pem is missing/],
  ['the key of another CA', { ...complete, 'ca.key': other.key }, 'fail', /does not match/],
  ['a certificate that is none', { ...complete, 'ca.pem': 'hello' }, 'fail', /not a PEM certificate/],
  ['a key that is none', { ...complete, 'ca.key': 'hello' }, 'fail', /not a private key/],
  ['a bundle without the CA', { ...complete, 'bundle.pem': other.cert }, 'warn', /bundle\.pem is missing/],
]

for (const [name, files, status, message] of cases) {
  test(`${name}: ${status}`, async () => {
    const finding = await certificateFiles(certs(files).setUp)
    assert.equal(finding.status, status)
    assert.match(finding.message, message)
    assert.ok(status === 'ok' || finding.hint !== undefined)
  })
}

test('a CA that will expire soon is a warning, whatever else', async () => {
  // The test authority lives for 30 days, of which some milliseconds are gone.
  const finding = await certificateFiles(certs(complete).setUp)
  assert.deepEqual([finding.status, finding.message], ['warn', 'the CA expires in 29 days'])
})

test('a CA as Sallyport makes it is well', async () => {
  const { dir, setUp } = certs({})
  await createAuthority({ dir, passphrase: null, now: Date.now(), permitted: ['api.openai.com'], name: 'here' })
  const finding = await certificateFiles(setUp)
  assert.equal(finding.status, 'ok')
  assert.match(finding.message, /is valid for \d+ days$/)
})

test('a key that others may read is a failure', { skip: process.platform === 'win32' }, async () => {
  const { dir, setUp } = certs(complete)
  chmodSync(join(dir, 'ca.key'), 0o640)
  const finding = await certificateFiles(setUp)
  assert.deepEqual([finding.status, finding.hint], ['fail', `chmod 600 ${join(dir, 'ca.key')}`])
})

test('the clock is right when it is after the CA was made, or when there is no CA', async () => {
  const { dir, setUp } = certs(complete)
  assert.equal((await certificateClock(setUp)).status, 'ok')
  rmSync(dir, { recursive: true })
  assert.equal((await certificateClock(setUp)).status, 'ok')
})

test('a clock that stands before the CA was made is a failure', async (context) => {
  const { setUp } = certs(complete)
  context.mock.timers.enable({ apis: ['Date'], now: Date.now() - 7 * 86_400_000 })
  assert.equal((await certificateClock(setUp)).status, 'fail')
})

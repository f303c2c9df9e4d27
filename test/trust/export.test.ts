import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import test from 'node:test'
import { exported, exportFormats } from '../../src/trust/export.ts'
import { testAuthority } from '../support/authority.ts'

const { cert: pem } = testAuthority()
const der = new X509Certificate(pem).raw
const given = { pem, name: 'Sallyport CA <box> & co', now: Date.UTC(2026, 0, 2) }

test('every format carries the certificate', () => {
  for (const format of exportFormats) {
    const bytes = exported(format, given)
    const text = bytes.toString('latin1').replace(/\s/g, '')
    assert.ok(bytes.includes(der) || text.includes(der.toString('base64')), format)
  }
  assert.equal(exported('pem', given).toString(), pem)
  assert.deepEqual(exported('der', given), der)
})

test('a profile is well-formed XML, and the same certificate gives the same profile', (t) => {
  const profile = exported('mobileconfig', given).toString()
  assert.equal(exported('mobileconfig', given).toString(), profile)
  assert.match(profile, /Sallyport CA &lt;box&gt; &amp; co/)
  assert.match(
    profile,
    /<key>PayloadUUID<\/key><string>[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}</,
  )
  try {
    execFileSync('python3', ['-c', 'import plistlib,sys; plistlib.loads(sys.stdin.buffer.read())'], {
      input: profile,
      stdio: 'pipe',
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    t.diagnostic('no python3 to parse the profile with')
  }
})

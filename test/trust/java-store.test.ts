import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import test from 'node:test'
import type * as Forge from 'node-forge'
import { jksTrustStore, pkcs12TrustStore, STORE_PASSWORD, trustedFromPem } from '../../src/trust/java-store.ts'
import { testAuthority } from '../support/authority.ts'
import { tempFolder } from '../support/temp.ts'

const forge = createRequire(import.meta.url)('node-forge') as typeof Forge
const pems = [testAuthority('one').cert, testAuthority('two').cert]
const certificates = trustedFromPem(pems.join('# between\n'), 'root')
const formats: [type: string, bytes: Buffer][] = [
  ['PKCS12', pkcs12TrustStore(certificates)],
  ['JKS', jksTrustStore(certificates, Date.UTC(2026, 0, 2))],
]

test('the certificates of a bundle get numbered names, one alone gets the plain one', () => {
  assert.deepEqual(
    certificates.map(({ alias }) => alias),
    ['root-1', 'root-2'],
  )
  assert.deepEqual(
    certificates.map(({ der }) => new X509Certificate(der).toString()),
    pems,
  )
  assert.equal(trustedFromPem(pems[0] as string, 'sallyport')[0]?.alias, 'sallyport')
})

test('another reader of PKCS#12 finds the certificates, and checks the MAC against the password', () => {
  const read = (bytes: Buffer, password: string): number => {
    const tree = forge.asn1.fromDer(bytes.toString('latin1'))
    const bags = forge.pkcs12.pkcs12FromAsn1(tree, false, password).getBags({ bagType: forge.pki.oids['certBag'] })
    return bags[forge.pki.oids['certBag'] as string]?.length ?? 0
  }
  for (const password of [STORE_PASSWORD, 'a much longer password, of more than sixty-four bytes in UTF-16', '']) {
    assert.equal(read(pkcs12TrustStore(certificates, password), password), 2)
  }
  assert.throws(() => read(pkcs12TrustStore(certificates), 'wrong'), /MAC/)
})

for (const [type, bytes] of formats) {
  test(`keytool lists every certificate of the ${type} store as trusted`, { skip: noKeytool() }, () => {
    const file = join(tempFolder('java'), 'store')
    writeFileSync(file, bytes)
    const args = ['-list', '-keystore', file, '-storetype', type, '-storepass', STORE_PASSWORD]
    const listed = execFileSync('keytool', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    assert.equal(listed.match(/root-[12], .*trustedCertEntry/g)?.length, 2, listed)
  })
}

function noKeytool(): string | false {
  try {
    execFileSync('keytool', ['-help'], { stdio: 'ignore' })
    return false
  } catch {
    return 'no keytool on this machine'
  }
}

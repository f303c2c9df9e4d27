import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { openCa } from '../../src/app/authority.ts'
import { caPaths, createAuthority } from '../../src/tls/ca.ts'
import { configIn } from '../support/app.ts'
import { tempFolder } from '../support/temp.ts'

const deaf = (): void => undefined

test('the authority is made once, named for the machine, and its key is for its owner only', async () => {
  const config = configIn()
  const made = await openCa(config, ['api.openai.com'], deaf)
  const again = await openCa(config, ['api.openai.com'], deaf)
  assert.deepEqual([made.created, again.created], [true, false])
  assert.equal(again.authority.fingerprint, made.authority.fingerprint)
  assert.ok(made.authority.name.includes(hostname().slice(0, 40)), made.authority.name)
  assert.equal(statSync(caPaths(config.ca.dir).keyPath).mode & 0o777, 0o600)
})

const permissions: [nameConstraints: string, inspected: readonly string[] | 'any', host: string, permitted: boolean][] =
  [
    ['auto', ['api.openai.com'], 'api.openai.com', true],
    ['auto', ['api.openai.com'], 'bank.example', false],
    ['auto', ['*'], 'bank.example', true],
    ['off', ['api.openai.com'], 'bank.example', true],
  ]

for (const [nameConstraints, inspected, host, permitted] of permissions) {
  const may = permitted ? 'may' : 'may not'
  test(`with name constraints ${nameConstraints}, where ${String(inspected)} is inspected, the CA ${may} vouch for ${host}`, async () => {
    const config = configIn(tempFolder('app'), { ca: { nameConstraints } })
    const { authority } = await openCa(config, inspected, deaf)
    assert.equal(authority.permits(host), permitted)
  })
}

test('a passphrase encrypts the key, and without it the authority does not open', async () => {
  const dir = tempFolder('app')
  const config = configIn(dir, { ca: { passphrase: 'made up for this test' } })
  const { authority } = await openCa(config, 'any', deaf)
  assert.equal((await openCa(config, 'any', deaf)).authority.fingerprint, authority.fingerprint)
  await assert.rejects(openCa({ ca: { ...config.ca, passphrase: null } }, 'any', deaf), { code: 'ca_unavailable' })
})

test('an authority near its end is told of, a new one is not', async () => {
  const config = configIn(tempFolder('app'))
  const warnings: string[] = []
  const { authority } = await openCa(config, 'any', (message) => void warnings.push(message))
  assert.equal(warnings.length, 0)
  const old = configIn(tempFolder('app'))
  const life = authority.notAfter - Date.now()
  const now = Date.now() - life + 10.5 * 86_400_000
  await createAuthority({ dir: old.ca.dir, passphrase: null, now, permitted: 'any', name: 'old' })
  await openCa(old, 'any', (message) => void warnings.push(message))
  assert.deepEqual(warnings, ['the local CA expires in 10 days: `sallyport ca rotate` makes a new one'])
})

import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openKeys } from '../../src/access/keys.ts'
import { secretHash } from '../../src/access/secret.ts'
import { keySettings } from '../../src/access/settings.ts'
import { openPrincipals } from '../../src/app/principals.ts'
import { keysHmac } from '../../src/app/secrets.ts'
import { openLog } from '../../src/lib/log.ts'
import { databasePath } from '../../src/store/open.ts'
import { tempFolder } from '../support/temp.ts'

const log = await openLog({ level: 'error', format: 'json' })

test('a principal is the key of the data folder whose name and token are shown, from where it may be', async () => {
  const dir = tempFolder('principals')
  const hash = secretHash(await keysHmac(dir))
  const keys = openKeys({ dir, durability: 'crash', hash, who: 'tester', now: Date.now })
  const outcome = keys.create(keySettings.parse({ name: 'ci', allow: ['10.0.0.0/8'] }))
  const token = outcome.kind === 'made' ? outcome.secret : ''
  const { principalOf, close } = await openPrincipals(dir, log)
  assert.equal(principalOf({ name: 'ci', token }, '10.0.0.1'), 'ci')
  assert.equal(principalOf({ name: 'ci', token }, '127.0.0.1'), undefined)
  assert.equal(principalOf({ name: 'other', token }, '10.0.0.1'), undefined)
  assert.equal(principalOf({ name: 'ci', token: `${token}x` }, '10.0.0.1'), undefined)
  close()
  keys.close()
})

test('processes that start at once share one key file, which only the owner may read', async () => {
  const dir = tempFolder('principals')
  const some = await Promise.all(Array.from({ length: 8 }, () => keysHmac(dir)))
  assert.equal(new Set(some.map((key) => key.toString('hex'))).size, 1)
  assert.equal(some[0]?.length, 32)
  assert.equal(statSync(join(dir, 'keys.hmac')).mode & 0o777, 0o600)
})

test('where nobody shows credentials the database is not opened', async () => {
  const dir = tempFolder('principals')
  const { close } = await openPrincipals(dir, log)
  close()
  assert.throws(() => statSync(databasePath(dir)), { code: 'ENOENT' })
})

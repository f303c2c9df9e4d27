import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { clientContexts, type ClientCert } from '../../src/upstream/client-certs.ts'
import { testAuthority } from '../support/authority.ts'
import { tempFolder } from '../support/temp.ts'

const authority = testAuthority()
const dir = tempFolder('certs')

function entry(name: string, hosts: string[], mode = 0o600): ClientCert {
  const { cert, key } = authority.issue([name], { usage: 'client' })
  const files = { cert: join(dir, `${name}.pem`), key: join(dir, `${name}.key`) }
  writeFileSync(files.cert, cert)
  writeFileSync(files.key, key)
  chmodSync(files.key, mode)
  return { hosts, ...files }
}

function made(entries: readonly ClientCert[]) {
  const warnings: string[] = []
  const contexts: boolean[] = []
  const contextFor = clientContexts({
    entries,
    context: (identity) => (contexts.push(identity !== undefined), createSecureContext(identity)),
    warn: (message) => warnings.push(message),
  })
  return { contextFor, warnings, contexts }
}

test('a host gets the context of the first entry that names it, made once and when first wanted', () => {
  const { contextFor, contexts, warnings } = made([entry('a', ['A.test', '*.in.test']), entry('b', ['*.test'])])
  assert.deepEqual(contexts, [])
  const ids = ['a.test', 'x.in.test', 'x.y.in.test', 'b.test', 'a.test.evil', 'other', 'a.test', 'other'].map(
    (host) => contextFor(host).id,
  )
  assert.deepEqual(ids, ['0', '0', '0', '1', '', '', '0', ''])
  assert.deepEqual(contexts, [true, true, false])
  assert.equal(contextFor('a.test').context, contextFor('x.in.test').context)
  assert.deepEqual(warnings, [])
})

test('a key that others may read is warned of', () => {
  assert.match(made([entry('open', ['a'], 0o640)]).warnings.join(), /clientCerts\[0\]: others may read .*open\.key/)
})

test('files that are missing or do not fit are faults of the configuration', () => {
  const good = entry('good', ['a'])
  const other = join(dir, 'other.key')
  writeFileSync(other, testAuthority().key, { mode: 0o600 })
  for (const bad of [
    { ...good, cert: join(dir, 'no') },
    { ...good, key: join(dir, 'no') },
    { ...good, key: other },
    { ...good, key: good.cert },
  ]) {
    assert.throws(() => made([bad]), { code: 'config_invalid', message: /^upstream\.clientCerts\[0\]/ })
  }
})

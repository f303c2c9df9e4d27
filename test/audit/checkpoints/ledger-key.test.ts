import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { knownKeys, ledgerKey } from '../../../src/audit/checkpoints/ledger-key.ts'
import { SallyportError } from '../../../src/core/errors.ts'
import { tempFolder } from '../../support/temp.ts'

test('the key is made once, only its owner reads it, and its public key stands beside it', () => {
  const dir = tempFolder('key')
  const first = ledgerKey(dir)
  const second = ledgerKey(dir)
  assert.deepEqual([first.created, second.created], [true, false])
  assert.equal(first.publicKey, second.publicKey)
  assert.equal(statSync(join(dir, 'ledger.key')).mode & 0o777, 0o600)
  assert.match(readFileSync(join(dir, 'ledger.key'), 'utf8'), /^-----BEGIN PRIVATE KEY-----\n/)
  assert.equal(createPublicKey(readFileSync(join(dir, 'ledger.pub'))).export({ format: 'jwk' }).x, first.publicKey)
  assert.deepEqual(readdirSync(dir).toSorted(), ['ledger.key', 'ledger.pub'])
})

test('a new key takes its place beside the ones before', () => {
  const dir = tempFolder('key')
  assert.deepEqual(knownKeys(dir), [])
  const first = ledgerKey(dir)
  rmSync(join(dir, 'ledger.key'))
  const second = ledgerKey(dir)
  assert.notEqual(first.publicKey, second.publicKey)
  assert.deepEqual(knownKeys(dir), [first.publicKey, second.publicKey])
  rmSync(join(dir, 'ledger.pub'))
  ledgerKey(dir)
  assert.deepEqual(knownKeys(dir), [second.publicKey])
})

test('a file that is no such key is refused, and stays', () => {
  const dir = tempFolder('key')
  for (const text of ['', 'x', '-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n']) {
    writeFileSync(join(dir, 'ledger.key'), text)
    assert.throws(
      () => ledgerKey(dir),
      (thrown: unknown) => thrown instanceof SallyportError && thrown.code === 'config_invalid',
    )
    assert.equal(readFileSync(join(dir, 'ledger.key'), 'utf8'), text)
  }
})

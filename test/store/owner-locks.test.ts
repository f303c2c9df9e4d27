import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { takeLease } from '../../src/store/lease.ts'
import { isAlive, ownerLock, ownersFolder } from '../../src/store/owner-locks.ts'
import { tempFolder } from '../support/temp.ts'

test('an owner is alive for as long as its file is held, not merely there', () => {
  const dir = tempFolder()
  assert.equal(isAlive(dir, 1), false)
  mkdirSync(ownersFolder(dir))
  writeFileSync(ownerLock(dir, 1), '')
  assert.equal(isAlive(dir, 1), false)
  const held = takeLease(ownerLock(dir, 1))
  assert.equal(isAlive(dir, 1), true)
  held?.release()
  assert.equal(isAlive(dir, 1), false)
})

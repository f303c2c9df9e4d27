import assert from 'node:assert/strict'
import test from 'node:test'
import { secrets } from '../../../src/inspect/hooks/secrets.ts'
import { env, found } from '../../support/hooks.ts'

const text = 'mail ann@corp.example.com, key zk_9f27c1e40b86d53a'

test('secrets are found and personal data is not', () => {
  assert.deepEqual(found(secrets.create({}, env), text), [['SECRET:zk', 'zk_9f27c1e40b86d53a']])
  assert.deepEqual(found(secrets.create({ types: ['SECRET:zk'], packs: ['test'] }, env), text).length, 1)
  assert.deepEqual(found(secrets.create({ exclude: ['zk-key'] }, env), text), [])
})

import assert from 'node:assert/strict'
import test from 'node:test'
import { asRoot, asUser } from '../../src/trust/store.ts'

test('a step keeps its words as they are, and says whose rights it needs', () => {
  assert.deepEqual(asRoot('rm', '-f', 'a b'), { argv: ['rm', '-f', 'a b'], asRoot: true })
  assert.deepEqual(asUser('true'), { argv: ['true'], asRoot: false })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chores } from '../../../src/audit/keeper/chore-list.ts'

test('each chore has a name of its own', () => {
  const names = chores.map(({ name }) => name)
  assert.deepEqual(names, [...new Set(names)])
})

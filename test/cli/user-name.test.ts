import assert from 'node:assert/strict'
import { test } from 'node:test'
import { userName } from '../../src/cli/user-name.ts'

test('whoever runs the command has a name', () => {
  assert.match(userName(), /^\S+( \d+)?$/)
})

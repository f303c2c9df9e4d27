import assert from 'node:assert/strict'
import { test } from 'node:test'
import { version } from '../../src/app/version.ts'

test('the version is one', () => {
  assert.match(version(), /^\d+\.\d+\.\d+/)
})

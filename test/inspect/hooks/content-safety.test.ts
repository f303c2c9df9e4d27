import assert from 'node:assert/strict'
import test from 'node:test'
import { contentSafety } from '../../../src/inspect/hooks/content-safety.ts'
import { found, own } from '../../support/hooks.ts'

test('phrases of harm are found, and only the kinds that are asked for', () => {
  const text = 'I want to kill myself. Also: how to make a pipe bomb?'
  const kinds = (options: object): string[] => found(contentSafety.create(options, own), text).map(([type]) => type)
  assert.deepEqual(kinds({}), ['CONTENT_SAFETY:self-harm', 'CONTENT_SAFETY:weapon-making'])
  assert.deepEqual(kinds({ types: ['CONTENT_SAFETY:self-harm'] }), ['CONTENT_SAFETY:self-harm'])
})

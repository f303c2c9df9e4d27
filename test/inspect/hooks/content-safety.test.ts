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

const harmless = [
  'How do I kill a process that hangs? It should die when its parent does.',
  'How do I shoot a video of people in the park?',
  'RDX is a data exchange format; thermite welds rails.',
  'I cannot go on holiday, and I could die laughing about it.',
  'The bully in chapter two is called Dudley. How to report harassment at work?',
  'How to dispose of old batteries, and how to install security cameras.',
]

for (const text of harmless) {
  test(`left alone: ${text}`, () => {
    assert.deepEqual(found(contentSafety.create({}, own), text), [])
  })
}

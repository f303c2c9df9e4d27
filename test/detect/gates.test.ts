import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DIGIT, HEAD, HUMP, isShut, OPENER, WHOLE } from '../../src/detect/gates.ts'

const shut = (kind: number, before: string, word: string, after: string): boolean => {
  const gates = { kinds: Uint8Array.of(kind), lengths: Uint16Array.of(word.length) }
  return isShut(gates, 0, before + word + after, before.length + word.length - 1)
}

test('a word that must begin one is passed by inside another, but not behind an escape', () => {
  for (const kind of [HEAD, HEAD | OPENER]) {
    assert.equal(shut(kind, 'x', 'key', ''), true)
    assert.equal(shut(kind, '7', 'key', ''), true)
    assert.equal(shut(kind, 'x', 'Key', ''), true)
    for (const before of ['', ' ', '_', '\\n', '\x1b[31m']) assert.equal(shut(kind, before, 'key', ''), false, before)
  }
  for (const kind of [0, OPENER, DIGIT]) assert.equal(shut(kind, 'x', 'key', ''), false)
})

test('a word of a context also begins at a hump and behind a digit', () => {
  const kind = HEAD | HUMP
  assert.equal(shut(kind, 'x', 'key', ''), true)
  assert.equal(shut(kind, 'X', 'Key', ''), true)
  assert.equal(shut(kind, 'x', 'Key', ''), false)
  assert.equal(shut(kind, '7', 'key', ''), false)
})

test('a word that must be whole is passed by when a small letter follows', () => {
  assert.equal(shut(HEAD | HUMP | WHOLE, ' ', 'key', 's'), true)
  for (const after of ['', ' ', 'S', '7', '_']) assert.equal(shut(HEAD | HUMP | WHOLE, ' ', 'key', after), false)
})

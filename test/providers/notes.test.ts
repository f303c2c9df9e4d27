import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scanJson } from '../../src/providers/json-scan.ts'
import type { JsonTree } from '../../src/providers/json-scan.ts'
import { member, none, root } from '../../src/providers/json-tree.ts'
import { count, factsOf, modelOf, namesIn, newNotes, noteCall, noteWords } from '../../src/providers/notes.ts'

const tree = scanJson('{"a":"x","b":null,"n":-3,"list":[{"name":"f"},{"name":1},{"name":"g"}]}') as JsonTree

test('a later word replaces an earlier one, and what is no word does not', () => {
  const notes = newNotes()
  noteWords(notes, tree, { model: member(tree, root, 'a'), finish: member(tree, root, 'a') })
  noteWords(notes, tree, { model: member(tree, root, 'b'), finish: none })
  assert.deepEqual(factsOf(notes), { model: 'x', usage: {}, finishReason: 'x', upstreamId: null, toolCalls: [] })
})

test('a call that is repeated under its key is noted once, and the list is bounded', () => {
  const notes = newNotes()
  for (let i = 0; i < 3; i++) noteCall(notes, 'read', 'choice:0:0')
  noteCall(notes, undefined)
  noteCall(notes, '')
  noteCall(notes, 'read')
  assert.deepEqual(factsOf(notes).toolCalls, ['read', 'read'])
  for (let i = 0; i < 5000; i++) noteCall(notes, 'x'.repeat(1000))
  assert.equal(factsOf(notes).toolCalls.length, 1000)
  assert.equal(factsOf(notes).toolCalls.at(-1)?.length, 256)
})

test('counts are never negative, and names are only words', () => {
  assert.equal(count(tree, root, 'n'), 0)
  assert.equal(count(tree, root, 'a'), 0)
  assert.deepEqual(namesIn(tree, member(tree, root, 'list'), 'name'), ['f', 'g'])
})

test('what no count can be is none', () => {
  const cases = {
    '7': 7,
    '7.4': 7,
    '0.2': 0,
    '-5': 0,
    '1e12': 1e12,
    '1e13': 0,
    '1e300': 0,
    '1e999': 0,
    '"7"': 0,
    null: 0,
  }
  for (const [text, expected] of Object.entries(cases)) {
    const usage = scanJson(`{"n":${text}}`) as JsonTree
    assert.equal(count(usage, root, 'n'), expected, text)
  }
})

test('the model is what the body says, else what the path says', () => {
  const named = scanJson('{"model":"m"}') as JsonTree
  assert.equal(modelOf(named, '/openai/deployments/d/chat/completions'), 'm')
  assert.equal(modelOf(tree, '/openai/deployments/my%20d/chat/completions'), 'my d')
  assert.equal(modelOf(tree, '/v1/x/models/claude@1:rawPredict'), 'claude@1')
  assert.equal(modelOf(tree, '/model/%zz/converse'), '%zz')
  assert.equal(modelOf(tree, '/v1/chat/completions'), null)
})

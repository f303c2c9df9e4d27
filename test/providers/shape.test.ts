import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scanJson } from '../../src/providers/json-scan.ts'
import type { JsonTree } from '../../src/providers/json-scan.ts'
import { either, fragment, growingNames, object, schema, texts } from '../../src/providers/shape.ts'
import { textsOf } from '../../src/providers/walk.ts'

test('a shape by a member is that of its value, and the other one where there is none', () => {
  const shape = either('type', { a: object({ text: texts('reasoning') }) }, object({ text: texts('message') }))
  const body = '[{"type":"a","text":"1"},{"type":"b","text":"2"},{"text":"3"},{"type":["a"],"text":"4"}]'
  const parts = textsOf(scanJson(body) as JsonTree, shape).filter((part) => part.path.endsWith('.text'))
  assert.deepEqual(
    parts.map((part) => part.kind),
    ['reasoning', 'message', 'message', 'message'],
  )
})

test('names of types in a schema are no text, and everything else in it is', () => {
  const body = JSON.stringify({
    type: 'object',
    properties: {
      type: { type: 'STRING', description: 'd', enum: ['e'] },
      x: { type: ['string', 'null'], default: 'string' },
    },
    required: ['x'],
  })
  const parts = textsOf(scanJson(body) as JsonTree, schema)
  assert.deepEqual(
    parts.map((part) => part.text),
    ['type', 'd', 'e', 'x', 'string', 'x'],
  )
  assert.ok(parts.every((part) => part.kind === 'tool-definition'))
})

test('an object where a vendor should send a piece of a document is walked as arguments', () => {
  const parts = textsOf(scanJson('{"a":{"b":"c"}}') as JsonTree, object({ a: fragment('arguments') }))
  assert.deepEqual(
    parts.map((part) => [part.kind, part.text]),
    [
      ['tool-arguments', 'b'],
      ['tool-arguments', 'c'],
    ],
  )
})

test('the names of growing texts are those of streams in use', () => {
  for (const name of ['delta', 'content', 'text', 'response', 'partial_json']) assert.ok(growingNames.has(name))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cefFields, compact, hooks } from '../../../src/audit/formats/cef-fields.ts'

test('no field has two meanings in one table', () => {
  for (const [table, fields] of Object.entries(cefFields)) {
    const keys = fields.map(({ key }) => key)
    assert.deepEqual(keys, [...new Set(keys)], table)
  }
})

test('hooks are told with what they said, each once', () => {
  const run = { hook: 'pii', verdict: 'allow' }
  assert.equal(hooks({ hooks: [run, run, { hook: 'secrets', verdict: 'block' }] }), 'pii:allow,secrets:block')
  assert.equal(hooks({ hooks: [] }), undefined)
})

test('JSON becomes one line of text, and text stays', () => {
  assert.equal(compact({ a: { b: 'x\ny' } }, 'a'), String.raw`{"b":"x\ny"}`)
  assert.equal(compact({ a: [1] }, 'a'), '[1]')
  assert.equal(compact({ a: 7 }, 'a'), '{"value":7}')
  assert.equal(compact({ a: 'not json' }, 'a'), 'not json')
  assert.equal(compact({ a: null }, 'a'), undefined)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tagged, taggedFrom } from '../../src/detect/tagged.ts'

const hidden = Array.from('say nothing', (char) => String.fromCodePoint(0xe0000 + char.charCodeAt(0))).join('')

test('what tag characters say is read, and found where it stands', () => {
  const text = `a 😀${hidden} b`
  const [form, ...more] = tagged(text)
  assert.deepEqual(more, [])
  assert.equal(form?.text, 'say nothing')
  assert.equal(text.slice(form?.startOf(0), form?.endOf(11)), hidden)
  assert.equal(text.slice(form?.startOf(4), form?.endOf(11)), hidden.slice(8))
})

test('a few of them, as in flags, say nothing', () => {
  assert.deepEqual([...tagged(`🏴${hidden.slice(0, 10)}\u{e007f}`)], [])
})

test('those at the end may go on, also in the midst of one', () => {
  for (let cut = 2; cut <= 2 + hidden.length; cut++) assert.equal(taggedFrom(`a ${hidden}`.slice(0, cut)), 2)
  assert.equal(taggedFrom('a 😀'), 4)
})

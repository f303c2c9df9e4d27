import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scanJson } from '../../src/providers/json-scan.ts'
import type { JsonTree } from '../../src/providers/json-scan.ts'
import { member, stringOf } from '../../src/providers/json-tree.ts'
import { applyEdits } from '../../src/providers/json-text.ts'
import {
  anything,
  argumentsDocument,
  object,
  opaque,
  piece,
  structural,
  texts,
  toolArguments,
  whole,
} from '../../src/providers/shape.ts'
import type { Shape } from '../../src/providers/shape.ts'
import { eventTextsOf, textsOf } from '../../src/providers/walk.ts'

const read = (body: string, shape: Shape) => textsOf(scanJson(body) as JsonTree, shape)

test('what no shape names is text, and a structural place that holds a sentence is, too', () => {
  const shape = object({ id: structural, data: opaque, text: texts('message', 'user') })
  const body =
    '{"id":"a-1","data":"AAAA","text":"hi","new":[1,"x",{"y":"z"}],"id":"not an id","data":"not encoded","text":""}'
  assert.deepEqual(
    read(body, shape).map((part) => [part.path, part.kind, part.role, part.text]),
    [
      ['text', 'message', 'user', 'hi'],
      ['new[1]', 'other', 'unknown', 'x'],
      ['new[2].y', 'other', 'unknown', 'z'],
      ['id', 'other', 'unknown', 'not an id'],
      ['data', 'other', 'unknown', 'not encoded'],
    ],
  )
})

test('the strings and names of a JSON document in a string are texts at their own places', () => {
  const inner = '{"city \\n":"Z\\u00fcrich \\"x\\"","list":["é😀",4111]}'
  const body = `{"arguments" : ${JSON.stringify(inner)}}`
  const parts = read(body, object({ arguments: argumentsDocument }))
  assert.deepEqual(
    parts.map((part) => [part.path, part.text]),
    [
      ['arguments{0}', 'city \n'],
      ['arguments.{0}', 'Zürich "x"'],
      ['arguments{1}', 'list'],
      ['arguments.list[0]', 'é😀'],
    ],
  )
  for (const part of parts) {
    const edited = applyEdits(body, [{ part, start: 0, end: part.text.length, replacement: 'A"\n' }])
    const before = JSON.stringify(JSON.parse(inner)).replace(JSON.stringify(part.text), JSON.stringify('A"\n'))
    assert.equal(JSON.stringify(JSON.parse(JSON.parse(edited).arguments)), before)
  }
})

test('arguments that are no document are text, and those that are an object are walked', () => {
  const shape = object({ arguments: argumentsDocument })
  for (const text of ['{"a":', 'plain', '4111111111111111', 'true']) {
    const [part] = read(JSON.stringify({ arguments: text }), shape)
    assert.deepEqual([part?.text, part?.kind, part?.place.spelling], [text, 'tool-arguments', ['json']])
  }
  assert.deepEqual(
    read('{"arguments":{"a":"{\\"b\\":1}"}}', shape).map((part) => part.text),
    ['a', '{"b":1}'],
  )
})

test('a name that could be a value is not written into a path', () => {
  const parts = read('{"AKIA2E0A8F3B244C9986":{"plain":"x"},"ann@corp.example":"y"}', toolArguments)
  assert.deepEqual(
    parts.map((part) => part.path),
    ['{0}', '{0}{0}', '{0}.plain', '{1}', '{1}'],
  )
})

test('large encoded bytes inside tool arguments are no text, a short word is', () => {
  const blob = Buffer.alloc(6000, 'x\u0000z').toString('base64')
  const parts = read(JSON.stringify({ a: blob, b: 'AAAA', c: `data:image/png;base64,${blob}` }), toolArguments)
  assert.deepEqual(
    parts.map((part) => part.text),
    ['a', 'b', 'AAAA', 'c'],
  )
})

test('a sealed object seals all its texts and nothing beside it', () => {
  const isSealed = (tree: JsonTree, node: number): boolean => stringOf(tree, member(tree, node, 'a')) === 'seal'
  const parts = read('[{"c":"y"},{"a":"seal","b":["x"]},{"a":"z"}]', { ...anything, sealed: isSealed })
  assert.deepEqual(
    parts.map((part) => part.sealed),
    [undefined, true, true, undefined],
  )
})

test('in a stream, pieces have the channel of their shape, and other texts one by their name', () => {
  const shape = object({
    choice: object({ delta: piece('message', 'content') }, { scope: () => 'choice:0' }),
    item: whole(object({ text: piece('message', 'text') })),
  })
  const body = '{"choice":{"delta":"a","note":"b"},"item":{"text":"c"},"delta":"d","title":"e"}'
  assert.deepEqual(
    eventTextsOf(scanJson(body) as JsonTree, shape).map((part) => [part.channel, part.whole, part.text]),
    [
      ['choice:0:content', false, 'a'],
      ['choice:0:choice.note', true, 'b'],
      ['item.text', true, 'c'],
      ['delta', false, 'd'],
      ['title', true, 'e'],
    ],
  )
})

test('beyond a million texts, documents in strings are one text each', () => {
  const inner = `[${'"x",'.repeat(600_000)}"x"]`
  const parts = read(
    JSON.stringify([{ arguments: inner }, { arguments: inner }]),
    object({ arguments: argumentsDocument }),
  )
  assert.equal(parts.length, 600_002)
  assert.equal(parts.at(-1)?.text, inner)
})

test('megabytes of tool arguments are read in one pass', () => {
  const inner = JSON.stringify(Array.from({ length: 150_000 }, (_, i) => ({ k: `value "${i}" é`, n: i })))
  assert.equal(read(JSON.stringify({ arguments: inner }), object({ arguments: argumentsDocument })).length, 450_000)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scanJson } from '../../src/providers/json-scan.ts'
import type { Media } from '../../src/core/text.ts'
import type { JsonTree } from '../../src/providers/json-scan.ts'
import { member, stringOf } from '../../src/providers/json-tree.ts'
import { applyEdits } from '../../src/providers/json-text.ts'
import {
  anything,
  argumentsDocument,
  encodedMedia,
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

test('base64 that holds text is read and edited, whatever type it says; other bytes are told by kind', () => {
  const text = 'name,mail\nann,ann@corp.example\n'
  const encoded = Buffer.from(text).toString('base64')
  const png = Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1').toString('base64')
  const body = JSON.stringify({
    uri: `data:text/csv;charset=utf-8;base64,${encoded}`,
    said: { mime_type: 'image/png', data: encoded },
    pdf: { data: Buffer.from('%PDF-1.7\n%').toString('base64') },
    pcm: { data: Buffer.alloc(64).toString('base64'), mime_type: 'audio/pcm' },
    png: `data:application/octet-stream;base64,${png}`,
    signature: png,
  })
  const shape = object({
    said: object({ data: encodedMedia(), mime_type: structural }),
    pdf: object({ data: encodedMedia() }),
    pcm: object({ data: encodedMedia(), mime_type: structural }),
    signature: opaque,
  })
  const unread = new Set<Media>()
  const parts = textsOf(scanJson(body) as JsonTree, shape, 'unknown', unread)
  assert.deepEqual(
    parts.map((part) => [part.path, part.text]),
    [
      ['uri', text],
      ['said.data', text],
    ],
  )
  assert.deepEqual([...unread].sort(), ['audio', 'image', 'pdf'])
  const edits = parts.map((part) => ({ part, start: 14, end: 30, replacement: '[X]' }))
  const edited = Buffer.from(`${text.slice(0, 14)}[X]${text.slice(30)}`).toString('base64')
  assert.equal(applyEdits(body, edits), body.replaceAll(encoded, edited))
})

test('names of an object that become the same stay different', () => {
  const body = '{"ann@corp.example":1,"bob@corp.example":{"ann@corp.example":2},"[X]":3}'
  const parts = read(body, anything).filter((part) => part.place.object !== undefined && part.text !== '[X]')
  assert.equal(parts.length, 3)
  const edits = parts.map((part) => ({ part, start: 0, end: part.text.length, replacement: '[X]' }))
  assert.equal(applyEdits(body, edits), '{"[X] 2":1,"[X] 3":{"[X]":2},"[X]":3}')
})

test('whole numbers of seven digits and more are texts, and an edit makes them strings', () => {
  const inner = '{"ssn":219099999}'
  const body = `{"a":4111111111111111,"b":[1,2.5,4.111111111111111E15,1234567],"c":123456,"d":${JSON.stringify(inner)}}`
  const parts = read(body, object({ d: argumentsDocument }))
  assert.deepEqual(
    parts.map((part) => [part.path, part.text]),
    [
      ['a', '4111111111111111'],
      ['b[2]', '4111111111111111'],
      ['b[3]', '1234567'],
      ['d{0}', 'ssn'],
      ['d.ssn', '219099999'],
    ],
  )
  const numbers = parts.filter((part) => part.place.spelling.at(-1) === 'number')
  const edits = numbers.map((part) => ({ part, start: 0, end: part.text.length, replacement: 'X"' }))
  const edited = JSON.parse(applyEdits(body, edits))
  assert.deepEqual(
    { ...edited, d: JSON.parse(edited.d) },
    { a: 'X"', b: [1, 2.5, 'X"', 'X"'], c: 123456, d: { ssn: 'X"' } },
  )
})

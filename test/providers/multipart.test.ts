import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TextPart } from '../../src/core/text.ts'
import { otherTexts } from '../../src/providers/bodies.ts'
import { applyEdits } from '../../src/providers/json-text.ts'
import { multipartTexts } from '../../src/providers/multipart.ts'
import { anything } from '../../src/providers/shape.ts'

const body = [
  '--XX',
  'Content-Disposition: form-data; name="purpose"',
  '',
  'fine-tune',
  '--XX',
  'Content-Disposition: form-data; name="file"; filename="notes \\"of\\" ann.txt"',
  'Content-Type: application/octet-stream',
  '',
  'line one\r\n\r\nline two',
  '--XX',
  'Content-Disposition: form-data; name="image"; filename="a.png"',
  '',
  '\u0089PNG\0',
  '--XX--',
  '',
].join('\r\n')

test('fields, text files and file names are texts at their places; bytes are not', () => {
  const parts = multipartTexts(body, 'multipart/form-data; boundary="XX"')
  assert.deepEqual(
    parts?.map((part) => [part.path, part.kind, part.text]),
    [
      ['purpose', 'other', 'fine-tune'],
      ['file.filename', 'file-name', 'notes \\"of\\" ann.txt'],
      ['file', 'other', 'line one\r\n\r\nline two'],
      ['image.filename', 'file-name', 'a.png'],
    ],
  )
  for (const part of parts ?? []) assert.equal(body.slice(part.place.start, part.place.end), part.text)
})

test('text around the parts is found too, and a body without its boundary is none', () => {
  const odd = `before\r\n${body}after`
  const found = multipartTexts(odd, 'multipart/form-data; boundary=XX')?.map((part) => part.text)
  assert.equal(found?.[0], 'before')
  assert.match(found?.at(-1) ?? '', /after/)
  assert.equal(multipartTexts(body, 'multipart/form-data'), undefined)
  assert.equal(multipartTexts('no boundary here', 'multipart/form-data; boundary=XX'), undefined)
  assert.ok(multipartTexts(body.slice(0, 60), 'multipart/form-data; boundary=XX') !== undefined)
})

test('a body of nothing but delimiters is read once, not once for each of them', () => {
  assert.deepEqual(multipartTexts('--a'.repeat(3_000_000), 'multipart/form-data; boundary=a'), [])
})

const form = (...parts: readonly string[]): string =>
  [...parts.map((part) => `--XX\r\n${part}\r\n`), '--XX--\r\n'].join('')
const type = 'multipart/form-data; boundary=XX'
const told = (parts: readonly TextPart[]): [string, string][] => parts.map((part) => [part.path, part.text])

test('names without quotes, names in other charsets, and names that are values', () => {
  const odd = form(
    'Content-Disposition: form-data; name=purpose; filename=ann@corp.example.txt\r\n\r\na b',
    'Content-Disposition: form-data; name="f"; filename*=UTF-8\'\'Z%C3%BCrich%20ann%40corp.example\r\n\r\nc d',
    'Content-Disposition: form-data; name="ann@corp.example"\r\n\r\ne f',
  )
  const parts = otherTexts(odd, type, anything)
  assert.deepEqual(told(parts), [
    ['purpose.filename', 'ann@corp.example.txt'],
    ['purpose', 'a b'],
    ['f.filename', 'Zürich ann@corp.example'],
    ['f', 'c d'],
    ['[2].name', 'ann@corp.example'],
    ['[2]', 'e f'],
  ])
  for (const part of parts) {
    const edited = applyEdits(odd, [{ part, start: 0, end: part.text.length, replacement: 'QX' }])
    assert.equal(edited, odd.slice(0, part.place.start) + 'QX' + odd.slice(part.place.end))
  }
})

test('files of JSON and of lines of JSON are read as documents, whatever they say they are', () => {
  const body = form(
    'Content-Disposition: form-data; name="file"; filename="b.jsonl"\r\nContent-Type: application/octet-stream\r\n\r\n{"card":4111111111111111}\n{"a":"\\u0061nn@corp.example"}\n',
    'Content-Disposition: form-data; name="x"\r\n\r\n["a b"]',
  )
  const parts = otherTexts(body, type, anything)
  assert.deepEqual(told(parts), [
    ['file.filename', 'b.jsonl'],
    ['file[0].card', '4111111111111111'],
    ['file[1].a', 'ann@corp.example'],
    ['x[0]', 'a b'],
  ])
  const edits = parts.slice(1).map((part) => ({ part, start: 0, end: part.text.length, replacement: 'Q' }))
  assert.ok(applyEdits(body, edits).includes('{"card":"Q"}\n{"a":"Q"}\n'))
})

test('encodings are undone and done again; parts have parts; texts beside bytes are UTF-8', () => {
  const inner = '--YY\r\nContent-Disposition: form-data; name="deep"\r\n\r\na b\r\n--YY--'
  const body = Buffer.from(
    form(
      `Content-Disposition: form-data; name="b"\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from('Zürich').toString('base64')}`,
      'Content-Disposition: form-data; name="q"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nZ=C3=BCrich',
      `Content-Disposition: form-data; name="m"\r\nContent-Type: multipart/mixed; boundary=YY\r\n\r\n${inner}`,
      'Content-Disposition: form-data; name="t"\r\n\r\nZürich',
    ),
  ).toString('latin1')
  const unread = new Set<'image' | 'audio' | 'video' | 'pdf' | 'binary'>()
  const media = form('Content-Disposition: form-data; name="i"; filename="i.png"\r\n\r\n\u0089PNG\r\n\u001a\n\0\0')
  const parts = otherTexts(media.slice(0, -8) + body, type, anything, unread)
  assert.deepEqual(told(parts), [
    ['i.filename', 'i.png'],
    ['b', 'Zürich'],
    ['q', 'Zürich'],
    ['m.deep', 'a b'],
    ['t', 'Zürich'],
  ])
  assert.deepEqual([...unread], ['image'])
  const whole = media.slice(0, -8) + body
  const edits = parts.slice(1).map((part) => ({ part, start: 0, end: 1, replacement: 'é' }))
  const again = otherTexts(applyEdits(whole, edits), type, anything)
  assert.deepEqual(
    again.slice(1).map((part) => part.text),
    ['éürich', 'éürich', 'é b', 'éürich'],
  )
})

test('cut anywhere, a form is read without harm', () => {
  for (let cut = 0; cut < body.length; cut++)
    for (const part of otherTexts(body.slice(0, cut), type, anything))
      assert.ok(part.place.end <= cut && part.text !== '')
})

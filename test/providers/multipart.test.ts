import assert from 'node:assert/strict'
import { test } from 'node:test'
import { multipartTexts } from '../../src/providers/multipart.ts'

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

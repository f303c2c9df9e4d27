import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { csvRecord } from '../../../src/audit/export/csv.ts'

test('values are cells of one record', () => {
  const values = [null, undefined, 1.5, -3, true, 'plain', 'a,b', 'a"b', 'a\r\nb', ' x', [{ type: 'EMAIL' }], '']
  const expected = `,,1.5,-3,true,plain,"a,b","a""b","a\r\nb"," x","[{""type"":""EMAIL""}]",\r\n`
  assert.equal(csvRecord(values), expected)
})

test('text that a spreadsheet would run is text', () => {
  for (const text of ['=1+1', '+1', '-1', '@sum', '\t=1', '\r=1', ' =1', '＝1', '|cmd', '%x', '\u00A0=1']) {
    assert.match(csvRecord([text]), /^"?'/, JSON.stringify(text))
  }
  for (const text of ['a=1', '1-1', 'x@y.example', '/v1/chat', '{"a":1}']) assert.doesNotMatch(csvRecord([text]), /'/)
})

test('what is written is read back as it was', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((value) => value !== '')
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (values) => {
      const read = recordOf(csvRecord(values))
      assert.deepEqual(
        read.map((value, i) => (value === `'${values[i]}` ? values[i] : value)),
        values,
      )
    }),
  )
})

/** RFC 4180, by itself. */
function recordOf(line: string): string[] {
  const cells: string[] = []
  const pattern = /("(?:[^"]|"")*"|[^,\r\n]*)(,|\r\n)/gy
  for (const [, raw = '', end] of line.matchAll(pattern)) {
    cells.push(raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw)
    if (end === '\r\n') break
  }
  return cells
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SallyportError } from '../../src/core/errors.ts'
import type { Edit, TextPart } from '../../src/core/text.ts'
import { applyEdits, decodeBody, encodeBody } from '../../src/providers/json-text.ts'
import { scanJson } from '../../src/providers/json-scan.ts'
import type { JsonTree } from '../../src/providers/json-scan.ts'
import { anything } from '../../src/providers/shape.ts'
import { spelled } from '../../src/providers/spelling.ts'
import { textsOf } from '../../src/providers/walk.ts'

test('any bytes come back as they were', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const { text, charset } = decodeBody(bytes)
      assert.deepEqual(encodeBody(text, charset), Buffer.from(bytes))
    }),
  )
  for (const text of ['\uFEFF{"a":1}', 'é😀', '']) {
    assert.deepEqual(decodeBody(Buffer.from(text)), { text, charset: 'utf8' })
  }
  assert.equal(decodeBody(Buffer.from([0x61, 0xe9])).charset, 'latin1')
})

test('what latin1 cannot hold goes into a latin1 body as UTF-8', () => {
  assert.deepEqual(encodeBody('\u00e9€x', 'latin1'), Buffer.from([0xe9, 0xe2, 0x82, 0xac, 0x78]))
})

test('an edit of one text changes that text alone, whatever the spelling of the document', () => {
  fc.assert(
    fc.property(
      document,
      fc.nat(),
      fc.nat(),
      fc.nat(),
      fc.string({ unit: 'binary', maxLength: 6 }),
      (raw, pick, a, b, replacement) => {
        const parts = partsOf(raw)
        assert.equal(applyEdits(raw, []), raw)
        const part = parts[pick % Math.max(1, parts.length)]
        if (part === undefined) return
        const [start, end] = [a % (part.text.length + 1), b % (part.text.length + 1)].sort((x, y) => x - y) as [
          number,
          number,
        ]
        const edited = applyEdits(raw, [{ part, start, end, replacement }])
        const { text, index } = expected(part, parts, { part, start, end, replacement })
        assert.deepEqual(
          stringsOf(JSON.parse(edited)),
          stringsOf(JSON.parse(raw))
            .map((old, i) => (i === index ? text : old))
            .filter((left) => left !== ''),
        )
        const tail = raw.length - part.place.end
        assert.equal(edited.slice(0, part.place.start), raw.slice(0, part.place.start))
        assert.equal(edited.slice(edited.length - tail), raw.slice(raw.length - tail))
      },
    ),
    { numRuns: 1500 },
  )
})

test('edits of many texts at once, in any order', () => {
  const raw = '{"a" : "one\\ttwo", "b":["\\u0074hree", 1.0, "four"]}'
  const parts = partsOf(raw)
  const edits: Edit[] = [
    { part: parts[2] as TextPart, start: 0, end: 4, replacement: '4' },
    { part: parts[0] as TextPart, start: 4, end: 7, replacement: '2"' },
    { part: parts[1] as TextPart, start: 0, end: 1, replacement: 'T' },
    { part: parts[0] as TextPart, start: 0, end: 3, replacement: '1' },
    { part: parts[0] as TextPart, start: 3, end: 3, replacement: '!' },
  ]
  assert.equal(applyEdits(raw, edits), '{"a" : "1!\\t2\\"", "b":["Three", 1.0, "4"]}')
})

test('a surrogate pair is never cut', () => {
  const raw = '"\\ud83d\\ude00a😀"'
  const [part] = partsOf(raw) as [TextPart]
  const edit = (start: number, end: number): string => applyEdits(raw, [{ part, start, end, replacement: '_' }])
  assert.equal(edit(0, 1), '"_a😀"')
  assert.equal(edit(1, 2), '"_a😀"')
  assert.equal(edit(2, 4), '"\\ud83d\\ude00_"')
  assert.equal(edit(1, 1), '"\\ud83d\\ude00_a😀"')
  const twice = [0, 1].map((start) => ({ part, start, end: start + 1, replacement: '_' }))
  assert.equal(applyEdits(raw, twice), '"__a😀"')
})

test('a body is not written wrong: edits that overlap or do not fit throw', () => {
  const raw = '{"a":"hello","b":"hello"}'
  const [part, other] = partsOf(raw) as [TextPart, TextPart]
  const edit = (start: number, end: number, of = part): Edit => ({ part: of, start, end, replacement: 'x' })
  const wrong: Edit[][] = [
    [edit(0, 3), edit(2, 4)],
    [edit(3, 2)],
    [edit(0, 6)],
    [edit(-1, 2)],
    [edit(0, 3), edit(1, 2, { ...part })],
    [edit(0, 1, { ...part, text: 'other' })],
    [edit(0, 1, { ...part, place: { ...part.place, start: 0 } })],
    [edit(0, 1, { ...other, sealed: true })],
  ]
  for (const edits of wrong) {
    assert.throws(
      () => applyEdits(raw, edits),
      (thrown) => thrown instanceof SallyportError && thrown.code === 'internal_error',
    )
  }
})

test('forms and plain texts are edited as they are spelled', () => {
  const form = 'a=1%2B+x&b=2'
  const inForm: TextPart = {
    text: '1+ x',
    place: { start: 2, end: 8, spelling: ['form'] },
    role: 'unknown',
    kind: 'other',
    path: 'a',
  }
  assert.equal(applyEdits(form, [{ part: inForm, start: 1, end: 3, replacement: '& ü' }]), 'a=1%26+%C3%BCx&b=2')
  const plain: TextPart = {
    text: 'b c',
    place: { start: 2, end: 5, spelling: [] },
    role: 'unknown',
    kind: 'other',
    path: '',
  }
  assert.equal(applyEdits('a b c', [{ part: plain, start: 0, end: 1, replacement: '"' }]), 'a " c')
})

test('many edits of a large body are made in one pass', () => {
  const raw = JSON.stringify(Array.from({ length: 100_000 }, (_, i) => `text "${i}" of many, long enough to be one`))
  const edits = partsOf(raw).map((part) => ({ part, start: 6, end: 7, replacement: '<1>' }))
  assert.equal(JSON.parse(applyEdits(raw, edits))[99_999], 'text "<1>9999" of many, long enough to be one')
})

/** A JSON text with strings spelled in random ways, odd numbers and spacing. */
const letter = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }).map((text) => spelled(text, ['json'])),
  fc.constantFrom('a', 'é', '😀', '\\/', '\\n', '\\u0041', '\\ud83d\\ude00', '\\uD800', '\\"', '\\\\', ' ', '\u007f'),
)
const inside = fc.array(letter, { maxLength: 12 }).map((letters) => letters.join(''))
const space = fc.constantFrom('', ' ', '\n', '\t ', '\r\n')
const number = fc.constantFrom('1', '-0', '1.0', '1e400', '12345678901234567890', 'true', 'null')
const document = fc
  .array(
    fc.tuple(
      inside,
      fc.oneof(
        inside.map((text) => `"${text}"`),
        number,
      ),
      space,
      space,
    ),
    { maxLength: 6 },
  )
  .map((rows) => `[${rows.map(([key, value, a, b]) => `${a}{"${key}"${b}:${a}${value}}${b}`).join(',')}]`)

function partsOf(raw: string): readonly TextPart[] {
  // Names and numbers have tests of their own.
  return textsOf(scanJson(raw) as JsonTree, anything).filter(
    (part) => part.place.object === undefined && part.place.spelling.at(-1) === 'json',
  )
}

/** The edited text, and which string value of the document it is (empty ones are no parts). */
function expected(
  part: TextPart,
  parts: readonly TextPart[],
  { start, end, replacement }: Edit,
): { text: string; index: number } {
  const pair = (at: number): boolean => /^[\ud800-\udbff][\udc00-\udfff]$/.test(part.text.slice(at - 1, at + 1))
  const to = pair(end) ? end + 1 : end
  const from = start === end ? to : pair(start) ? start - 1 : start
  return { text: part.text.slice(0, from) + replacement + part.text.slice(to), index: parts.indexOf(part) }
}

function stringsOf(value: unknown): string[] {
  return (value as Record<string, unknown>[]).flatMap((row) =>
    Object.values(row).filter((text) => typeof text === 'string' && text !== ''),
  ) as string[]
}

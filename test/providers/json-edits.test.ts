import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { keepingJson } from '../../src/providers/json-edits.ts'

/** The text with each `find` replaced as the splices say. */
function replaced(text: string, find: readonly string[], by: string): string {
  const splices = find.map((one) => {
    const start = text.indexOf(one)
    assert.ok(start >= 0, one)
    return { start, end: start + one.length, text: by }
  })
  return spliced(
    text,
    keepingJson(
      text,
      splices.sort((a, b) => a.start - b.start),
    ),
  )
}

function spliced(text: string, splices: readonly { start: number; end: number; text: string }[]): string {
  return splices.reduceRight((now, one) => now.slice(0, one.start) + one.text + now.slice(one.end), text)
}

test('a document stays one: strings are escaped, numbers become strings, everything else stays', () => {
  const cases: [string, string[], string, string][] = [
    ['{"a": "x SECRET y", "n": 1.0}', ['SECRET'], '"\n', '{"a": "x \\"\\n y", "n": 1.0}'],
    ['{"card" : 4111111111111111}', ['4111111111111111'], '[X]', '{"card" : "[X]"}'],
    ['[1,4111111111111111,2]', ['4111111111111111'], '[X]', '[1,"[X]",2]'],
    ['[-4111111111111111]', ['4111111111111111'], '[X]', '["-[X]"]'],
    ['{"a":"one","b":"two"}', ['one","b":"two'], '[X]', '{"a":"[X]","":""}'],
    ['{"a":[true]}', ['true'], 'QX', '{"a":["QX"]}'],
    ['{"a":"b"}', ['":"'], 'QX', '{"a":"b"}'],
    ['plain [x', ['x'], '"', 'plain ["'],
    ['{"a":"é\\u00e9 \\"SECRET\\""}', ['SECRET'], '"', '{"a":"é\\u00e9 \\"\\"\\""}'],
  ]
  for (const [text, find, by, expected] of cases) assert.equal(replaced(text, find, by), expected)
})

test('documents in strings stay documents, three levels down', () => {
  const inner = JSON.stringify({ body: JSON.stringify({ card: 4111111111111111, note: 'é "x" SECRET' }) })
  const edited = replaced(inner, ['4111111111111111', 'SECRET'], 'a"b\n')
  assert.deepEqual(JSON.parse(JSON.parse(edited).body), { card: 'a"b\n', note: 'é "x" a"b\n' })
  const deep = JSON.stringify([JSON.stringify([inner])])
  const once = replaced(deep, ['SECRET'], '[X]')
  assert.equal(JSON.parse(JSON.parse(JSON.parse(JSON.parse(once)[0])[0]).body).note, 'é "x" [X]')
})

test('whatever is replaced in a document, it is one afterwards', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.nat(), fc.string(), (text, a, b, by) => {
      const [start, end] = [a % (text.length + 1), b % (text.length + 1)].sort((x, y) => x - y) as [number, number]
      if (start === end || !/^\s*[[{]/.test(text)) return
      const edited = spliced(text, keepingJson(text, [{ start, end, text: by }]))
      assert.doesNotThrow(() => JSON.parse(edited), edited)
    }),
    { numRuns: 2000 },
  )
})

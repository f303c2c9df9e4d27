import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { maxJsonDepth, maxJsonNodes, scanJson } from '../../src/providers/json-scan.ts'
import type { JsonTree } from '../../src/providers/json-scan.ts'
import { after, kindOf, stringOf } from '../../src/providers/json-tree.ts'

test('what JSON.parse accepts is accepted and read alike, over random values and spacings', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      const tree = scanJson(text)
      assert.ok(tree !== undefined)
      assert.deepEqual(stringsIn(tree), stringsOf(JSON.parse(text)))
    }),
    { numRuns: 500 },
  )
})

test('mutated texts are accepted exactly when JSON.parse accepts them', () => {
  const letter = fc.constantFrom(...'{}[]",:\\/ \n\t\r0123456789-+.eEtruefalsn\u0001u\u00e9')
  const mutation = fc.record({ at: fc.nat(200), drop: fc.nat(2), put: fc.array(letter, { maxLength: 3 }) })
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), fc.array(mutation, { maxLength: 3 }), (value, mutations) => {
      let text = JSON.stringify(value)
      for (const { at, drop, put } of mutations) text = text.slice(0, at) + put.join('') + text.slice(at + drop)
      assert.equal(scanJson(text) !== undefined, parses(text), text)
    }),
    { numRuns: 5000 },
  )
})

test('random strings of JSON letters are accepted exactly when JSON.parse accepts them', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '"a"',
    '\\',
    '\\u00e9',
    '-',
    '0',
    '1',
    '.',
    'e',
    '+',
    'true',
    'null',
    ' ',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const text = pieces.join('')
      assert.equal(scanJson(text) !== undefined, parses(text), text)
    }),
    { numRuns: 20_000 },
  )
})

test('long strings with escapes are read and refused as JSON.parse does, wherever they end', () => {
  const piece = fc.constantFrom(
    '\\n',
    '\\"',
    '\\\\',
    '\\u00e9',
    '\\ud83d',
    'é',
    'x'.repeat(30),
    '"',
    '\\',
    '\n',
    '","',
    'y',
  )
  const long = 'a\\n'.repeat(80)
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.nat(2), (pieces, before) => {
      const text = `["${long.slice(0, before * 99)}${pieces.join('')}${long}${pieces.join('')}"]`
      const tree = scanJson(text)
      assert.equal(tree !== undefined, parses(text), text)
      if (tree !== undefined) assert.deepEqual(stringsIn(tree), stringsOf(JSON.parse(text)))
    }),
    { numRuns: 2_000 },
  )
})

test('the corners of the grammar', () => {
  const long = 'x'.repeat(100)
  const texts = [
    '',
    ' ',
    '"',
    '""',
    '"\\"',
    '"\\""',
    '"\\u12"',
    '"\\u12G4"',
    '"\\ud800"',
    '"\\x"',
    '"\u0001"',
    '"\u007f"',
    `"${long}\n"`,
  ]
  texts.push(
    `"${long}\\n"`,
    `"${long}\\q"`,
    `"${long}\\n${long}\\"${long}"`,
    `"\\n${long}\t"`,
    `"\\n${long}`,
    '01',
    '-',
    '-0',
    '1.',
    '.5',
  )
  texts.push(
    '1.5e',
    '1.5e+',
    '1E-7',
    '1e400',
    '0x1',
    '[1,]',
    '[,1]',
    '{"a":1,}',
    '{"a"}',
    '{a:1}',
    '{"a":1 "b":2}',
    '[}',
    '{]',
    '[1 2]',
  )
  texts.push(
    'nul',
    'nulll',
    'NaN',
    '[]]',
    '{}{}',
    ' [ ] ',
    '\u00a0[]',
    '\uFEFF[]',
    '"a"b',
    '[[],{},"",0]',
    '\f1',
    '\v1',
  )
  for (const text of texts) assert.equal(scanJson(text) !== undefined, parses(text), JSON.stringify(text))
})

test('nesting is accepted down to the limit and refused below it, without recursion', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  assert.ok(scanJson(nested(maxJsonDepth)) !== undefined)
  assert.equal(scanJson(nested(maxJsonDepth + 1)), undefined)
  assert.equal(scanJson('{"a":'.repeat(1_000_000)), undefined)
})

test('more than a million values are refused, a vector of numbers counts as one', () => {
  assert.equal(scanJson(`[${'"",'.repeat(maxJsonNodes)}""]`), undefined)
  assert.ok(scanJson(`[${'1,'.repeat(maxJsonNodes)}1]`) !== undefined)
})

test('duplicate keys are all kept', () => {
  const tree = scanJson('{"a":"1","a":"2","\\u0061":"3"}')
  assert.ok(tree !== undefined)
  assert.deepEqual(stringsIn(tree), ['a', '1', 'a', '2', 'a', '3'])
})

test('a range of a text is read as if it were alone', () => {
  const text = 'data: {"a":"b"}\n\n"'
  assert.deepEqual(stringsIn(scanJson(text, 6, 15) as JsonTree), ['a', 'b'])
  for (let end = 6; end < 15; end++) assert.equal(scanJson(text, 6, end), undefined)
  assert.equal(scanJson('[true]', 1, 3), undefined)
})

test('vectors of numbers take one node', () => {
  const tree = scanJson(
    JSON.stringify({ a: Array.from({ length: 1000 }, (_, i) => i / 7), b: [1, 'x', 2, null, true] }),
  )
  assert.equal(tree?.size, 1 + 2 + 1 + 2 + 3)
})

test('ten megabytes of the worst kinds of text are read in one pass', () => {
  const size = 10_000_000
  const texts = [
    `"${'\\n'.repeat(size / 2)}"`,
    `"${`${'x'.repeat(70)}\\n`.repeat(size / 72)}"`,
    `[${'"",'.repeat(900_000)}""]`,
    `"${'\\"'.repeat(size / 2)}"`,
    `[${`"${'y'.repeat(80)}",`.repeat(size / 83)}1]`,
  ]
  for (const text of texts) assert.ok(scanJson(text) !== undefined)
  for (const text of texts) assert.equal(scanJson(text.slice(0, -1)), undefined)
})

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function stringsIn(tree: JsonTree): string[] {
  const found: string[] = []
  for (let node = 0; node < tree.size; node++) {
    const text = stringOf(tree, node)
    if (text !== undefined) found.push(text)
    else assert.ok(kindOf(tree, node) === 'scalar' || after(tree, node) > node)
  }
  return found
}

function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(stringsOf)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [key, ...stringsOf(inner)])
}

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseDocument, stringify } from 'yaml'
import { readPlainYaml } from '../../src/lib/plain-yaml.ts'

const packs = join(import.meta.dirname, '..', '..', 'policies', 'packs')

/** Where it gives a value, that is the one and only that YAML has. */
function agrees(text: string): boolean {
  const value = readPlainYaml(text)
  if (value === undefined) return false
  const document = parseDocument(text)
  assert.deepEqual([...document.errors, ...document.warnings], [], text)
  assert.deepEqual(value, document.toJS(), text)
  return true
}

test('the program’s own packs are plain', () => {
  for (const name of ['secrets.yaml', 'pii.yaml']) assert.ok(agrees(readFileSync(join(packs, name), 'utf8')))
})

const plain = `# a pack
id: acme   # that is us
version: 1
rules:
  - id: badge-number
    type: SECRET:acme-badge
    pattern: '{{start}}BDG-''\\d{6}{{end}}'   # as printed
    keywords: ['bdg-', "b\\u0064g", plain]
    context: { words: ['no. 1', x], within: 60, required: true, none: null }
    confidence: 0.95

    examples:
      match:
        - 'badge BDG-402817'
        - "a # b: \\"c\\" \\\\"
      noMatch: []
  -   id: second
      severity: low
`

test('what is plain has the value that it says', () => {
  assert.ok(agrees(plain))
})

test('cut anywhere, or with any character more, less or changed, it is right or left to others', () => {
  const chars = [...' \n-:#\'"[]{},&*!|>%@`?~\\_.0a\t\r\u00e9\u2028\ufeff']
  let read = 0
  for (let at = 0; at <= plain.length; at++) {
    if (agrees(plain.slice(0, at))) read++
    if (agrees(plain.slice(at))) read++
    for (const char of chars) {
      if (agrees(plain.slice(0, at) + char + plain.slice(at))) read++
      if (at % 3 === 0 && agrees(plain.slice(0, at) + char + plain.slice(at + 1))) read++
    }
  }
  assert.ok(read > 1_000)
})

for (const text of [
  '',
  'a',
  '- a',
  'a: b c',
  'a: yes\n  b',
  'a: |\n  b',
  'a: &x b\nc: *x',
  'a: !!str b',
  'a: 1\na: 2',
  'a:\n- b',
  '"a": b',
  'a: 0x10',
  'a: 1e3',
  'a: 012',
  'a: .5',
  'a: 2020-01-01: b',
  'a: True',
  'a: ~',
  'a:',
  'a: [1,]',
  'a: {b}',
  'a: {b:1}',
  'a: [b c]',
  "a: 'b\n  c'",
  'a: "\\x41"',
  '--- \na: b',
  'a: b\n...\n',
  'a: b#c',
  '__proto__: 1',
  'constructor: 1',
  'a:\tb',
  'a: b\r\n',
  '\ufeffa: b',
]) {
  test(`left to the full parser, or agreed with: ${JSON.stringify(text)}`, () => {
    agrees(text)
  })
}

test('nothing of an object’s own is taken for a key', () => {
  assert.equal(readPlainYaml('__proto__: 1'), undefined)
  assert.equal(readPlainYaml('constructor: 1'), undefined)
})

test('any document as it is usually written is right or left to others', () => {
  const key = fc.stringMatching(/^[a-z][a-zA-Z0-9_-]{0,6}$/)
  const scalar = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom('no', 'off', 'a: b', '- a', '#', "it's", 'x y', '1', 'null', 'SECRET:x'),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  )
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, depthIdentifier: 'd' },
      scalar,
      fc.array(tie('tree'), { maxLength: 4, depthIdentifier: 'd' }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4, depthIdentifier: 'd' }),
    ),
  }))
  const styles = fc.constantFrom(
    {},
    { collectionStyle: 'flow' as const },
    { defaultStringType: 'QUOTE_SINGLE' as const, defaultKeyType: 'PLAIN' as const },
    { defaultStringType: 'QUOTE_DOUBLE' as const, defaultKeyType: 'PLAIN' as const, lineWidth: 0 },
  )
  let read = 0
  fc.assert(
    fc.property(fc.dictionary(key, tree, { maxKeys: 4 }), styles, (value, style) => {
      if (agrees(stringify(value, style))) read++
    }),
    { numRuns: 1_000 },
  )
  assert.ok(read > 100)
})

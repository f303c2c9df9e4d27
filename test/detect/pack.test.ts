import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SallyportError } from '../../src/core/errors.ts'
import { loadPacks, packsFolder, parsePack } from '../../src/detect/pack.ts'

const rule = `id: own
version: 2
rules:
  - id: badge
    type: BADGE
    pattern: 'B-\\d{4}'
    keywords: ['b-']
    confidence: 0.9
    severity: low
    examples:
      match: ['B-1234']
      noMatch: ['B-12']
`

test('a pack is read', () => {
  const pack = parsePack(rule, 'own.yaml')
  assert.equal(pack.version, '2')
  assert.equal(pack.rules[0]?.pattern, 'B-\\d{4}')
})

const broken: [what: string, text: string, message: RegExp][] = [
  [
    'an unknown key',
    rule.replace('confidence:', 'konfidence: 1\n    confidence:'),
    /^own\.yaml:8:\d+: rules\.0\.konfidence: Unrecognized key/,
  ],
  ['a missing key', rule.replace(/ {4}severity.*\n/, ''), /^own\.yaml:4:\d+: rules\.0\.severity: /],
  ['a confidence above 1', rule.replace('0.9', '9'), /^own\.yaml:8:17: rules\.0\.confidence/],
  [
    'an unknown checksum',
    rule.replace('    severity', '    checksum: none\n    severity'),
    /^own\.yaml:9:\d+: rules\.0\.checksum/,
  ],
  ['capitals in a keyword', rule.replace("'b-'", "'B-'"), /lower case/],
  ['no keyword and no trigger', rule.replace("['b-']", '[]'), /needs keywords/],
  ['broken YAML', rule.replace('id: own', 'id: "own'), /^own\.yaml:\d+:\d+: /],
  ['two rules of one id', rule + rule.slice(rule.indexOf('  - id')), /same id/],
]

for (const [what, text, message] of broken) {
  test(`${what} is an error with file, line and column`, () => {
    assert.throws(
      () => parsePack(text, 'own.yaml'),
      (error: unknown) =>
        error instanceof SallyportError && error.code === 'policy_invalid' && message.test(error.message),
    )
  })
}

test('a pack of a later folder replaces one of the same id, and a missing folder is empty', () => {
  const folders = [mkdtempSync(join(tmpdir(), 'packs-')), mkdtempSync(join(tmpdir(), 'packs-'))]
  try {
    writeFileSync(join(folders[0] as string, 'a.yaml'), rule)
    writeFileSync(join(folders[0] as string, 'b.yaml'), rule.replace('id: own', 'id: other'))
    writeFileSync(join(folders[1] as string, 'c.yaml'), rule.replace('version: 2', 'version: 3'))
    const packs = loadPacks([...folders, join(tmpdir(), 'there-is-no-such-folder')])
    assert.deepEqual(
      packs.map((pack) => [pack.id, pack.version]),
      [
        ['own', '3'],
        ['other', '2'],
      ],
    )
    writeFileSync(join(folders[1] as string, 'd.yaml'), rule)
    assert.throws(() => loadPacks(folders), /another pack/)
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true })
  }
})

test("the program's own packs are found", () => {
  assert.deepEqual(
    loadPacks([packsFolder()])
      .map((pack) => pack.id)
      .toSorted(),
    ['content-safety', 'pii', 'prompt-injection', 'secrets', 'tool-calls'],
  )
})

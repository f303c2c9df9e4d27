import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { SallyportError } from '../../src/core/errors.ts'
import { packsFolder, ruleBook } from '../../src/detect/index.ts'
import type { Pack, RuleBook } from '../../src/detect/index.ts'
import { checkPolicies, loadPolicies, packFoldersFor, readPacks } from '../../src/policy/load.ts'
import { folderOf } from './fixture.ts'

const load = (dir: string, files?: readonly string[]) =>
  loadPolicies({ dir, files, packFolders: packFoldersFor(dir), catalogue: ['api.openai.com'] })

const thrown = async (dir: string): Promise<SallyportError> => {
  const error: unknown = await load(dir).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof SallyportError)
  return error
}

test('the files of a folder are one set', async () => {
  const dir = folderOf({
    '20.yaml': 'mode: observe',
    '10.yaml':
      'mode: enforce\nrules: [{ name: words, hook: keywords, options: { name: x, words: [falcon] }, action: block }]',
  })
  const set = await load(dir)
  assert.equal(set.mode, 'observe')
  assert.deepEqual(set.files, [join(dir, '10.yaml'), join(dir, '20.yaml')])
  assert.equal(set.rules.length, 1)
})

test('every problem of every file is in the message, one a line, with its place', async () => {
  const dir = folderOf({
    '10.yaml': 'mdoe: enforce\nmode: x',
    '20.yaml': 'rules:\n  - { name: a, hook: secrets, action: block, options: { minConfidence: 2 } }\n',
    '30.yaml': 'rules: [',
    '40.yaml': 'rules:\n  - { name: b, hook: secrets, action: block, options: { types: [SECRET:nothing-like-it] } }\n',
  })
  const error = await thrown(dir)
  assert.equal(error.code, 'policy_invalid')
  const lines = error.message.split('\n')
  assert.equal(lines.length, 5)
  const expected = [
    /10\.yaml:1:1: unknown key mdoe/,
    /10\.yaml:2:7: mode must be/,
    /20\.yaml:2:72: minConfidence must be at most 1/,
    /30\.yaml:1:9: /,
    /40\.yaml:2:55: secrets: there is no type/,
  ]
  for (const [index, line] of expected.entries()) assert.match(lines[index] ?? '', line)
})

test('a folder that is not there, or has no policy file, is an error and not an empty policy', async () => {
  const dir = folderOf({ 'readme.txt': '' })
  assert.match((await thrown(dir)).message, /there is no policy file/)
  assert.match((await thrown(join(dir, 'none'))).message, /cannot be read/)
  assert.match((await thrown(join(dir, 'none'))).hint, /the first start makes it/)
  assert.equal((await load(folderOf({ 'empty.yaml': '' }))).rules.length, 0)
})

test('a broken rule pack beside the policies is an error', async () => {
  const dir = folderOf({ '10.yaml': '', 'packs/mine.yaml': 'id: mine\nversion: 1\nruels: []\n' })
  const error = await thrown(dir)
  assert.equal(error.code, 'policy_invalid')
  assert.match(error.message, /mine\.yaml/)
})

test('files can be named instead of a folder', async () => {
  const dir = folderOf({ '10.yaml': 'nonsense: 1', 'other/x.yaml': 'mode: observe' })
  const set = await load(dir, [join(dir, 'other', 'x.yaml')])
  assert.equal(set.mode, 'observe')
  const checked = await checkPolicies({ dir, files: [join(dir, 'gone.yaml')], packFolders: [], catalogue: [] })
  assert.ok('problems' in checked)
  assert.match(checked.problems[0]?.message ?? '', /ENOENT/)
})

test('packs change the digest', async () => {
  const pack = (confidence: number): string =>
    `id: mine\nversion: 1\nrules:\n  - { id: a, type: A_NUMBER, pattern: "qz[0-9]{6}", keywords: [qz], confidence: ${confidence}, severity: low, examples: { match: [qz123456], noMatch: [qz1] } }\n`
  const digest = async (files: Record<string, string>): Promise<string> => (await load(folderOf(files))).digest
  const without = await digest({ '10.yaml': '' })
  const one = await digest({ '10.yaml': '', 'packs/mine.yaml': pack(0.5) })
  assert.notEqual(one, without)
  assert.notEqual(await digest({ '10.yaml': '', 'packs/mine.yaml': pack(0.6) }), one)
  assert.equal(await digest({ '10.yaml': '# empty', 'packs/mine.yaml': pack(0.5) }), one)
})

test('a pack beside the policies does what its examples say, or is an error', async () => {
  const pack = (match: string): string =>
    `id: mine\nversion: 1\nrules:\n  - { id: a, type: A_NUMBER, pattern: "qz[0-9]{6}", keywords: [qz], confidence: 0.5, severity: low, examples: { match: [${match}], noMatch: [qz1] } }\n`
  assert.ok(await load(folderOf({ '10.yaml': '', 'packs/mine.yaml': pack('qz123456') })))
  const error = await thrown(folderOf({ '10.yaml': '', 'packs/mine.yaml': pack('qz12345') }))
  assert.match(error.message, /packs\/mine\.yaml: mine\/a: example 1 of match is not found$/)
})

test("the program's own packs are put to their examples when that is asked for", async () => {
  const dir = folderOf({ '10.yaml': '' })
  const checked = await checkPolicies({ dir, packFolders: packFoldersFor(dir), catalogue: [], checkExamples: true })
  assert.ok(!('problems' in checked))
})

test("the program's own folder is read once, however it is named", () => {
  const own = join(import.meta.dirname, '..', '..', 'policies')
  assert.deepEqual(packFoldersFor(own), [join(own, 'packs')])
  assert.deepEqual(packFoldersFor(relative(process.cwd(), own)), [join(own, 'packs')])
  assert.deepEqual(packFoldersFor('/etc/x'), [join(own, 'packs'), '/etc/x/packs'])
})

test('while rules are compiled others have their turn', async () => {
  const book = ruleBook([])
  const turns: number[] = []
  let turn = 0
  const next = (): void => {
    turn++
    waiting = setImmediate(next)
  }
  let waiting = setImmediate(next)
  // Longer than what compiles may hold the loop.
  const busy = (until: number): void => {
    while (performance.now() < until);
  }
  const slow: RuleBook = {
    ...book,
    *compile() {
      for (let i = 0; i < 4; i++) {
        turns.push(turn)
        busy(performance.now() + 10)
        yield
      }
    },
  }
  const dir = folderOf({ '10.yaml': '' })
  await checkPolicies({ dir, packFolders: [], catalogue: [], book: slow }).finally(() => clearImmediate(waiting))
  assert.equal(new Set(turns).size, 4)
})

test('a pattern that cannot be used is told with its place, also when it is compiled later', async () => {
  const pack = readPacks([packsFolder()]).find(({ id }) => id === 'pii')
  const [rule] = pack?.rules ?? []
  assert.ok(rule !== undefined)
  const broken = { id: 'broken', version: '1', rules: [{ ...rule, pattern: 'a+' }] }
  const dir = folderOf({ '10.yaml': 'rules:\n  - { name: s, hook: pii, action: flag }' })
  for (const when of ['now', 'later'] as const) {
    const checked = await checkPolicies({ dir, packFolders: [], catalogue: [], book: ruleBook([broken], when) })
    assert.ok('problems' in checked)
    assert.deepEqual([checked.problems.length, checked.problems[0]?.line], [1, 2])
    assert.match(checked.problems[0]?.message ?? '', /pack broken, rule .*without an upper bound/)
  }
})

test('packs that were read before are not read again', () => {
  const dir = folderOf({ 'a.yaml': 'id: a\nversion: 1\nrules: []\n', 'b.yaml': 'id: b\nversion: 1\nrules: []\n' })
  const known = new Map<string, Pack>()
  const [a, b] = readPacks([dir], false, known)
  writeFileSync(join(dir, 'b.yaml'), 'id: b\nversion: 2\nrules: []\n')
  const again = readPacks([dir], false, known)
  assert.equal(again[0], a)
  assert.notEqual(again[1], b)
  assert.equal(known.size, 2)
})

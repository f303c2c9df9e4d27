import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { loadPacks, packsFolder } from '../../src/detect/pack.ts'
import { preparePasses } from '../../src/detect/pass.ts'
import { compileRules, ruleBook } from '../../src/detect/rule-book.ts'

const packs = loadPacks([packsFolder()])
const all = compileRules(packs, {})
const types = (text: string, key?: string): string[] => all.find(text, { key }).map((match) => match.type)

test('an access key is found and its documentation example is not', () => {
  const [match] = all.find('use AKIAQ3EGTSK7DYM4XWZN please')
  assert.equal(match?.type, 'SECRET:aws-access-key')
  assert.ok((match?.confidence ?? 0) >= 0.8)
  assert.deepEqual(types('use AKIAIOSFODNN7EXAMPLE please'), [])
})

test('rules are chosen by pack, type, family, confidence and exclusion', () => {
  const text = 'dora@north-hill.org has AKIAQ3EGTSK7DYM4XWZN'
  const found = (choose: Parameters<typeof compileRules>[1]): string[] =>
    compileRules(packs, choose)
      .find(text)
      .map((match) => match.type)
  assert.deepEqual(found({ packs: ['all'] }), ['EMAIL', 'SECRET:aws-access-key'])
  assert.deepEqual(found({ packs: ['pii'] }), ['EMAIL'])
  assert.deepEqual(found({ types: ['SECRET'] }), ['SECRET:aws-access-key'])
  assert.deepEqual(found({ types: ['EMAIL', 'IBAN'] }), ['EMAIL'])
  assert.deepEqual(found({ minConfidence: 0.93 }), ['SECRET:aws-access-key'])
  assert.deepEqual(found({ exclude: ['aws-access-key'] }), ['EMAIL'])
  assert.deepEqual(found({ exclude: ['SECRET', 'EMAIL'] }), [])
})

test('the digest follows the choice and the rules', () => {
  const digest = (choose: Parameters<typeof compileRules>[1]): string => compileRules(packs, choose).digest
  assert.equal(digest({}), digest({ packs: ['all'] }))
  assert.notEqual(digest({}), digest({ packs: ['pii'] }))
  assert.notEqual(digest({}), digest({ minConfidence: 0.5 }))
})

test('a key is context, and makes a password of its value', () => {
  assert.deepEqual(types('tree-7-house'), [])
  assert.deepEqual(types('tree-7-house', 'db_password'), ['SECRET:password'])
  assert.deepEqual(types('219479938'), [])
  assert.deepEqual(types('219473308', 'user.ssn'), ['US_SSN'])
})

test('disguises by Unicode are seen through, and the original place is given', () => {
  for (const text of [
    'use AKIA\u200bQ3EGTSK7DYM4XWZN',
    'use ＡＫＩＡＱ３ＥＧＴＳＫ７ＤＹＭ４ＸＷＺＮ',
    'use AKIAQ3EG\u00adTSK7DYM4XWZN',
  ]) {
    const [match] = all.find(text)
    assert.deepEqual([match?.type, match?.start, match?.end], ['SECRET:aws-access-key', 4, text.length])
  }
})

test('a password in a URL is not taken for an address', () => {
  assert.deepEqual(types('postgres://app:k7Vw2pQz9@db.north.org/shop'), ['SECRET:url-credentials'])
})

test('code is not full of secrets', () => {
  const code = [
    'const token = await login(user.name, user.password)',
    'password: string',
    'if (secret === undefined) throw new Error("no secret")',
    'const apiKey = process.env.API_KEY ?? config.apiKey',
    'tokens: { input: 1024, output: 4096 }',
    '"integrity": "sha512-Zb0aXKlmRTEe4dRZkTq3uYwCsVn8oFh2pLgJ7iMxQeW1rD5tBy6NvAuSfHkGcPj9"',
    'commit 9f31c2aa07b4e6d85c1f0e2b3a4d5c6e7f809a1b',
    'import { key as keyName } from "./keys.js"',
    '<input type="password" name="password" placeholder="Password">',
    'version 1.2.3.4, build 20240102123456, at 12:30:45',
    'id: 3f2b8c1e-9d4a-4e6b-8f7c-0a1b2c3d4e5f',
  ]
  for (const line of code) assert.deepEqual(types(line), [], line)
})

test('any text gives matches in order, within it, without overlaps', () => {
  const pieces = fc.constantFrom(
    'AKIAQ3EGTSK7DYM4XWZN',
    'dora@north-hill.org',
    'password=',
    '"',
    ' ',
    ':',
    '+44 20 7946 0958',
    '\u200b',
    'é',
    '４',
    '\ud800',
    'a',
    '1',
    '://',
    '\n',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (list) => {
      const text = list.join('')
      let end = 0
      for (const match of all.find(text)) {
        assert.ok(match.start >= end && match.end > match.start && match.end <= text.length)
        end = match.end
      }
      const pending = all.pendingFrom(text)
      assert.ok(pending >= 0 && pending <= text.length)
    }),
  )
})

test('the same choice from one book gives the same set, and its rules are those of the packs in order', () => {
  const book = ruleBook(packs)
  assert.equal(book.choose({ types: ['SECRET'] }), book.choose({ types: ['SECRET'] }))
  assert.equal(book.choose({ types: ['SECRET'] }).digest, compileRules(packs, { types: ['SECRET'] }).digest)
  const later = book.choose({})
  const text = 'dora@north-hill.org has AKIAQ3EGTSK7DYM4XWZN'
  assert.deepEqual(later.find(text), all.find(text))
})

test('a rule for any case is tried in any case, whatever rules are beside it', () => {
  for (const choice of [{ types: ['IT_FISCAL_CODE'] }, { packs: ['pii'] }, {}]) {
    const rules = compileRules(packs, choice)
    for (const code of ['RSSMRA85T10A562S', 'rssmra85t10a562s', 'Rssmra85t10A562s']) {
      assert.deepEqual(
        rules.find(`codice ${code} qui`).map((match) => match.type),
        ['IT_FISCAL_CODE'],
        code,
      )
      assert.equal(rules.pendingFrom(`codice ${code.slice(0, 9)}`), 7)
    }
  }
})

test('a book for later compiles a rule at a step, once, and finds the same', () => {
  const [pii] = packs.filter((pack) => pack.id === 'pii')
  assert.ok(pii !== undefined)
  const book = ruleBook([pii], 'later')
  const set = book.choose({ types: ['IBAN', 'EMAIL'] })
  const rules = pii.rules.filter(({ type }) => type === 'IBAN' || type === 'EMAIL')
  assert.equal([...book.compile()].length, rules.length)
  assert.equal([...book.compile()].length, 0)
  assert.ok([...preparePasses([set])].length > 10)
  assert.equal([...preparePasses([set])].length, 0)
  const text = 'dora@north-hill.org'
  assert.deepEqual(set.find(text), compileRules([pii], { types: ['IBAN', 'EMAIL'] }).find(text))
  // Whoever reads before all is ready does not wait.
  assert.equal(ruleBook([pii], 'later').choose({}).find(text).length, 1)
})

test('a pattern that cannot be used is told when it is chosen, or when it is compiled later', () => {
  const [rule] = packs[0]?.rules ?? []
  assert.ok(rule !== undefined)
  const broken = [{ id: 'broken', version: '1', rules: [{ ...rule, pattern: 'a+' }] }]
  assert.throws(() => ruleBook(broken).choose({}), { code: 'policy_invalid' })
  const later = ruleBook(broken, 'later')
  later.choose({})
  assert.throws(() => [...later.compile()], { code: 'policy_invalid' })
})

test('what is chosen again is there, however it is asked for; the digest of a book is that of its packs', () => {
  const book = ruleBook(packs)
  assert.equal(book.choose({}), book.choose({ packs: ['all'] }))
  assert.notEqual(book.digest, ruleBook(packs.slice(1)).digest)
  assert.equal(book.digest, ruleBook(structuredClone(packs)).digest)
})

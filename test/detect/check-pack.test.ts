import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPack, loadPacks, packsFolder, parsePack } from '../../src/detect/index.ts'

const packs = loadPacks([packsFolder()])

for (const pack of packs) {
  test(`the rules of ${pack.id} find what their examples say`, () => {
    assert.deepEqual(checkPack(pack), [])
  })
}

test('the packs know the kinds that were promised', () => {
  const kinds = (prefix: string): Set<string> =>
    new Set(packs.flatMap((pack) => pack.rules.map((rule) => rule.type)).filter((type) => type.startsWith(prefix)))
  assert.ok(kinds('SECRET:').size >= 400)
  assert.ok(kinds('').size - kinds('SECRET:').size >= 20)
})

test('examples that contradict their rule are named without being repeated', () => {
  const pack = parsePack(
    `{ id: own, version: 1, rules: [{ id: badge, type: BADGE, pattern: 'B-[0-9]{4}', keywords: ['b-'], confidence: 1, severity: low,
      examples: { match: ['B-1234', 'C-9999'], noMatch: ['B-8888'] } }] }`,
    'own.yaml',
  )
  assert.deepEqual(checkPack(pack), [
    'own/badge: example 2 of match is not found',
    'own/badge: example 1 of noMatch is found',
  ])
})

test('a pattern that cannot be used is a problem', () => {
  const problems = (pattern: string): string[] =>
    checkPack(
      parsePack(
        JSON.stringify({
          id: 'own',
          version: 1,
          rules: [
            {
              id: 'r',
              type: 'R',
              pattern,
              keywords: ['b'],
              confidence: 1,
              severity: 'low',
              examples: { match: ['b'], noMatch: ['c'] },
            },
          ],
        }),
        'own.yaml',
      ),
    )
  assert.match(problems('b+')[0] ?? '', /upper bound/)
  assert.match(problems('(?<=c{4000})b{1,4000}')[0] ?? '', /streams do not keep/)
  assert.match(problems('b(?:x{1,9}){1,9}')[0] ?? '', /exponential/)
  assert.match(problems('b(')[0] ?? '', /cannot be read/)
})

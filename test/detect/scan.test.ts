import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRule } from '../../src/detect/compiled.ts'
import { loadPacks, packsFolder } from '../../src/detect/pack.ts'
import { planFor } from '../../src/detect/plan.ts'
import { scan } from '../../src/detect/scan.ts'
import type { Match } from '../../src/core/verdict.ts'

const rules = loadPacks([packsFolder()]).flatMap((pack) => pack.rules)
const plan = planFor(rules.map((rule) => compileRule(rule, 'p')))

function matches(text: string, step = Infinity): Match[] {
  const scanned = scan(plan, text, '')
  while (scanned.advance(step)) continue
  return scanned.found.map(({ match }) => match)
}

test('a match is found at the beginning, in the middle and at the end of a text, and next to escapes', () => {
  const key = 'AKIAQ3EGTSK7DYM4XWZN'
  for (const [before, after] of [
    ['', ''],
    ['use ', ' please'],
    ['a\\n', '\\nb'],
    ['{"k":"', '"}'],
    ['(', ')'],
  ] as const) {
    const match = matches(before + key + after).find((one) => one.rule === 'aws-access-key')
    assert.deepEqual([match?.start, match?.end], [before.length, before.length + key.length])
  }
  assert.deepEqual(matches(`x${key}`), [])
})

test('matches of one rule do not overlap, and all of many are found', () => {
  const text = 'AKIAQ3EGTSK7DYM4XWZN '.repeat(500)
  assert.equal(matches(text).filter((match) => match.rule === 'aws-access-key').length, 500)
})

const runs = [
  'a',
  'Z',
  '0',
  '-',
  '_',
  '.',
  ' ',
  '"',
  ':',
  '=',
  '/',
  '+',
  '@',
  '\\',
  '\n',
  'aB3',
  '1 ',
  '1-',
  '::',
  'a:',
  '@a.',
  '\\"',
  '","',
  'é',
  '\u0301',
]

test('long runs of any class, behind any keyword, come to an end', { timeout: 120_000 }, () => {
  for (const run of runs) {
    const tail = run.repeat(Math.ceil(1_000 / run.length))
    for (const rule of rules)
      for (const keyword of rule.keywords.slice(0, 2)) matches(`${keyword}${tail} ${keyword} = "${tail}`)
  }
})

test('texts made of keywords alone come to an end', { timeout: 120_000 }, () => {
  for (const keyword of new Set(rules.flatMap((rule) => rule.keywords))) matches(`${keyword}=`.repeat(200))
})

test('the work grows with the length of a text and no faster, whatever it is', () => {
  const spent = (text: string): number => {
    const scanned = scan(plan, text, '')
    scanned.advance(Infinity)
    return scanned.spent()
  }
  const keywords = rules.flatMap((rule) => rule.keywords.slice(0, 1))
  for (const unit of [...runs, ...keywords, 'secret-token:', '1 1-', '::1']) {
    const [once, twice] = [spent(unit.repeat(400)), spent(unit.repeat(800))]
    assert.ok(twice <= 2.2 * once + 2_000, `${unit}: ${once}, then ${twice}`)
    assert.ok(once <= 1_000 * 400 * unit.length, `${unit}: ${once}`)
  }
})

test('a text that costs much is looked at in smaller steps', () => {
  const text = 'secret-token:'.repeat(2_000)
  const scanned = scan(plan, text, '')
  let before = 0
  for (let more = true; more; before = scanned.spent()) {
    more = scanned.advance(50_000)
    assert.ok(scanned.spent() - before < 200_000)
  }
  assert.ok(before > text.length * 10)
  assert.equal(scanned.advance(1), false)
})

test('what is found and judged in vain counts for what it costs', () => {
  const scanned = scan(plan, 'api_key='.repeat(500), '')
  scanned.advance(Infinity)
  assert.deepEqual(scanned.found, [])
  assert.ok(scanned.spent() > 4_000 * 256, `${scanned.spent()}`)
})

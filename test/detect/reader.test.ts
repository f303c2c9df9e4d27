import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRule } from '../../src/detect/compiled.ts'
import { planFor } from '../../src/detect/plan.ts'
import { endsOfMatches, pendingFromOf, readingOf } from '../../src/detect/reader.ts'
import type { View } from '../../src/detect/reader.ts'
import type { Candidate } from '../../src/detect/scan.ts'
import { packs } from '../support/packs.ts'

const rules = packs.flatMap((pack) => pack.rules.map((rule) => compileRule(rule, pack.id)))
const plan = planFor(rules)
const secrets: View = { rules: new Set(rules.filter((rule) => rule.secret)), least: 0 }
const sure: View = { rules: new Set(rules), least: 0.93 }

function found(text: string, key = ''): string[][] {
  const reading = readingOf(plan, [secrets, sure], text, key)
  reading.advance(Infinity)
  return reading.found().map((matches) => matches.map(({ start, end }) => text.slice(start, end)))
}

test('each view sees its own rules, from its own confidence up', () => {
  const text = 'token: q8Zr3mVt0Lx7K2bWcY9d, AKIAQ3EGTSK7DYM4XWZN, dora@north-hill.org'
  assert.deepEqual(found(text), [['q8Zr3mVt0Lx7K2bWcY9d', 'AKIAQ3EGTSK7DYM4XWZN'], ['AKIAQ3EGTSK7DYM4XWZN']])
})

test('a value under a key is found in its place', () => {
  assert.deepEqual(found('tree-7-house', 'password')[0], ['tree-7-house'])
  assert.deepEqual(found('tｒee-7-house', 'password')[0], ['tｒee-7-house'])
})

test('a long text is looked at in pieces, and a match across any of them is found', () => {
  for (const before of [4_080, 4_090, 4_096, 8_186]) {
    const text = `${'lorem ipsum '.repeat(1_000).slice(0, before - 1)} AKIAQ3EGTSK7DYM4XWZN ${'dolor '.repeat(900)}`
    assert.deepEqual(found(text)[1], ['AKIAQ3EGTSK7DYM4XWZN'])
    assert.deepEqual(found(`é${text}`)[1], ['AKIAQ3EGTSK7DYM4XWZN'])
  }
})

test('what is pending is known with the notes of the scan and without them', () => {
  for (const text of ['', 'use AKIAQ3', `${'lorem ipsum '.repeat(500)}use AKIAQ3`, 'ﷺ'.repeat(900) + ' AKIAQ3']) {
    const reading = readingOf(plan, [sure], text, '')
    reading.advance(Infinity)
    const pending = text.endsWith('AKIAQ3') ? text.length - 6 : text.length
    assert.deepEqual([reading.pendingFrom(), pendingFromOf(plan, text)], [pending, pending])
  }
})

test('where matches end is asked of each match once, however many places are asked about', () => {
  let asked = 0
  const matches = Array.from({ length: 10_000 }, (_, i) => ({ start: 8 * (i >> 1), end: 8 * (i >> 1) + 2 + (i % 2) }))
  const seen = matches.map((match) => ({
    get match() {
      asked++
      return match
    },
  }))
  const steps = endsOfMatches(seen as unknown as Candidate[])
  let step = steps.next()
  for (; step.done !== true; step = steps.next());
  for (let start = 0; start < 80_000; start++) step.value(start)
  assert.equal(asked, 10_000)
  assert.deepEqual([0, 1, 8, 39_992, 40_000].map(step.value), [3, 0, 11, 39_995, 0])
})

test('thousands of findings are put together in steps, to the same', () => {
  const text = 'AKIAQ3EGTSK7DYM4XWZN dora@north-hill.org '.repeat(9_000)
  const whole = readingOf(plan, [secrets, sure], text, '')
  whole.advance(Infinity)
  for (const some of [text, `é ${text}`]) {
    const reading = readingOf(plan, [secrets, sure], some, '')
    let steps = 0
    while (reading.advance(16_384)) steps++
    const shift = some.length - text.length
    const expected = whole.found().map((matches) => matches.map((one) => one.start + shift))
    assert.deepEqual(
      reading.found().map((matches) => matches.map((one) => one.start)),
      expected,
    )
    assert.ok(steps > 60, `${steps}`)
  }
})

test('of one text so much is decoded and no more', () => {
  const encoded = (text: string): string => Buffer.from(text).toString('base64')
  const key = encoded('the key is AKIAQ3EGTSK7DYM4XWZN, keep it')
  const decoy = `${encoded('words that anybody may read, one after another, '.repeat(600))} `
  const kinds = (decoys: number): number => {
    const reading = readingOf(plan, [secrets], `${key} ${decoy.repeat(decoys)}${key}`, '')
    reading.advance(Infinity)
    return reading.found()[0]?.length ?? 0
  }
  assert.equal(kinds(10), 2)
  assert.equal(kinds(400), 1)
})

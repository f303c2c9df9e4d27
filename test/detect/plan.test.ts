import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRule } from '../../src/detect/compiled.ts'
import { loadPacks, packsFolder } from '../../src/detect/pack.ts'
import { markWords, marks, planFor } from '../../src/detect/plan.ts'

const rules = loadPacks([packsFolder()]).flatMap((pack) => pack.rules.map((rule) => compileRule(rule, pack.id)))

test('every rule is tried on some occasion', () => {
  const plan = planFor(rules)
  const groups = [plan.at, plan.colon, plan.phone, plan.digitFirst, plan.letterFirst, plan.url].flatMap(
    (group) => group.rules,
  )
  const keyed = plan.keywords.flatMap((keyword) => [
    ...keyword.leading,
    ...keyword.assigned,
    ...keyword.middle.map(({ rule }) => rule),
  ])
  const tried = new Set([...groups, ...keyed])
  assert.deepEqual(
    rules.filter((rule) => !tried.has(rule)).map((rule) => rule.id),
    [],
  )
})

test('a plan without rules has none to try', () => {
  const plan = planFor([])
  assert.deepEqual(plan.at.any, [])
  assert.deepEqual(plan.keywords, [])
})

test('the marks come before the keywords', () => {
  assert.equal(markWords[marks.at], '@')
  assert.equal(markWords[marks.url], '://')
  assert.equal(markWords[marks.digits], '0')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { pathText, schemaProblems } from '../../src/lib/schema-problems.ts'

const problemsOf = (schema: z.ZodType, input: unknown): string[] => {
  const result = schema.safeParse(input)
  return result.success ? [] : schemaProblems(schema, input, result.error).map((problem) => problem.message)
}

const wrapped = z.strictObject({ inner: z.strictObject({ name: z.string() }).optional().prefault({ name: 'x' }) })
const lazy: z.ZodType = z.strictObject({ next: z.lazy(() => lazy).optional(), value: z.number() })
const piped = z.preprocess((value) => value, z.strictObject({ name: z.string() }))
const listed = z.array(z.tuple([z.strictObject({ first: z.string() }), z.number()]))

const cases: readonly [what: string, schema: z.ZodType, input: unknown, hint: string][] = [
  ['behind optional and default', wrapped, { inner: { name: 'a', nam: 1 } }, 'did you mean name?'],
  ['behind lazy', lazy, { value: 1, next: { value: 1, valeu: 2 } }, 'did you mean value?'],
  ['behind a preprocess', piped, { name: 'a', nmae: 1 }, 'did you mean name?'],
  ['in a tuple in a list', listed, [[{ first: 'a', frist: 1 }, 1]], 'did you mean first?'],
]
for (const [what, schema, input, hint] of cases) {
  test(`the nearest key is found ${what}`, () => {
    const result = schema.safeParse(input)
    assert.ok(!result.success)
    assert.deepEqual(
      schemaProblems(schema, input, result.error).map((problem) => [problem.about, problem.hint]),
      [['key', hint]],
    )
  })
}

test('bounds are said in words', () => {
  assert.deepEqual(problemsOf(z.strictObject({ a: z.string().min(1) }), { a: '' }), ['a must not be empty'])
  assert.deepEqual(problemsOf(z.strictObject({ a: z.array(z.int()).min(2) }), { a: [1] }), [
    'a must have at least 2 entries',
  ])
  assert.deepEqual(problemsOf(z.strictObject({ a: z.number().min(0).max(1) }), { a: 7 }), ['a must be at most 1'])
  assert.deepEqual(problemsOf(z.strictObject({ a: z.number().lt(1) }), { a: 1 }), ['a must be less than 1'])
})

test("a refinement's own words are kept", () => {
  const schema = z.strictObject({ a: z.string().refine(() => false, 'Not a known provider') })
  assert.deepEqual(problemsOf(schema, { a: 'x' }), ['a: not a known provider'])
})

test('a path is written as people write it', () => {
  assert.equal(pathText(['rules', 0, 'when', 'host']), 'rules[0].when.host')
  assert.equal(pathText([]), '')
})

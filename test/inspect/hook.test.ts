import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import { ruleBook } from '../../src/detect/index.ts'
import { defineHook } from '../../src/inspect/hook.ts'
import { memoryLimiter } from '../../src/inspect/limiter.ts'
import { keyRule } from '../support/inspection.ts'

const env = {
  readFile: () => '',
  book: ruleBook([]),
  now: () => 0,
  limiter: memoryLimiter({ now: () => 0 }),
  rule: 'r',
}
const hook = defineHook({
  name: 'example',
  stages: ['request'],
  options: z.strictObject({ most: z.int().default(3) }),
  create: ({ most }) => (most > 3 ? { rules: keyRule } : { inspect: () => ({ findings: [] }) }),
})

test('a hook is bound with its options, or with their defaults', () => {
  assert.equal(hook.create({ most: 4 }, env).kind, 'detector')
  const bound = hook.create(undefined, env)
  assert.deepEqual([bound.kind, bound.name, bound.stages], ['judge', 'example', ['request']])
})

test('options that are not known are refused', () => {
  assert.throws(() => hook.create({ mots: 1 }, env), z.ZodError)
})

import assert from 'node:assert/strict'
import test from 'node:test'
import { contentSafety } from '../../../src/inspect/hooks/content-safety.ts'
import { ask, env } from '../../support/hooks.ts'
import { textPart } from '../../support/inspection.ts'
import { outsideJudge } from '../../support/outside-judge.ts'

const result = (category_scores: object) => ({ flagged: false, categories: {}, category_scores })
const made = (classifier: object) => contentSafety.create({ classifier }, env)
const parts = [textPart('how are you'), textPart(' '), textPart('I hate it')]

test('texts are asked about together, and categories that reach their thresholds are found', async (t) => {
  const scores = [result({ hate: 0.1, 'self-harm/intent': 0.9 }), result({ hate: 0.6, violence: 0.79 })]
  const { url, asked } = await outsideJudge(t, { id: 'm', model: 'x', results: scores })
  const hook = made({ url, secret: 'token', model: 'x', threshold: 0.5, thresholds: { violence: 0.8 } })
  const { findings, verdict } = await ask(hook, { parts })
  assert.equal(verdict, undefined)
  assert.deepEqual(
    findings.map(({ part, type, start, end, confidence }) => [part, type, start, end, confidence]),
    [
      [0, 'CONTENT_SAFETY:self-harm-intent', 0, 11, 0.9],
      [2, 'CONTENT_SAFETY:hate', 0, 9, 0.6],
    ],
  )
  assert.deepEqual(JSON.parse(asked[0]!.body), { model: 'x', input: ['how are you', 'I hate it'] })
  assert.equal(asked[0]!.headers.authorization, 'Bearer token')
})

test('only the categories that are named count', async (t) => {
  const { url } = await outsideJudge(t, { results: [result({ hate: 0.9, violence: 0.9 })] })
  const { findings } = await ask(made({ url, categories: ['violence'] }), { parts: [textPart('x')] })
  assert.deepEqual(
    findings.map(({ type }) => type),
    ['CONTENT_SAFETY:violence'],
  )
})

test('a long text is judged in pieces, each a finding of its own', async (t) => {
  const { url, asked } = await outsideJudge(t, { results: [result({ hate: 0.9 })] })
  const { findings } = await ask(made({ url }), { parts: [textPart('long '.repeat(10_000))] })
  assert.equal(asked.length, 3)
  assert.deepEqual(
    findings.map(({ start, end }) => [start, end]),
    [
      [0, 20_000],
      [20_000, 40_000],
      [40_000, 50_000],
    ],
  )
})

const unexpected: [what: string, reply: unknown][] = [
  ['a list', []],
  ['no results', { id: 'm' }],
  ['fewer results than texts', { results: [result({ hate: 0 })] }],
  ['more results than texts', { results: Array(3).fill(result({ hate: 0 })) }],
  ['results without scores', { results: [{ flagged: false }, { flagged: true }] }],
  ['a score that is a text', { results: Array(2).fill(result({ hate: '0.9' })) }],
  ['a score above one', { results: Array(2).fill(result({ hate: 2 })) }],
  ['an error', { error: { message: 'quota' } }],
]

for (const [what, reply] of unexpected) {
  test(`${what} is a failure`, async (t) => {
    const { url } = await outsideJudge(t, reply)
    await assert.rejects(ask(made({ url }), { parts }), { code: 'hook_failed' })
  })
}

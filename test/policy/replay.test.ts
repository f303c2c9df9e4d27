import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TextPart } from '../../src/core/text.ts'
import { createVault } from '../../src/inspect/tokens.ts'
import { replayExchange } from '../../src/policy/replay.ts'
import type { RecordedExchange, RecordedFinding } from '../../src/policy/replay.ts'
import { facts, setOf } from './fixture.ts'

const vault = createVault({ key: new Uint8Array(32), maxEntries: 10 })

function part(text: string, path = 'messages[0].content'): TextPart {
  return { text, path, role: 'user', kind: 'message', place: { start: 0, end: text.length, spelling: [] } }
}

const nothing = { parts: undefined, bodyBytes: 0 }

function recorded(over: Partial<RecordedExchange>): RecordedExchange {
  return { facts, request: nothing, response: nothing, findings: [], ...over }
}

const body = (...texts: string[]) => ({ parts: texts.map((text) => part(text)), bodyBytes: texts.join('').length })

const bird: RecordedFinding = {
  type: 'KEYWORD:list',
  rule: 'word',
  policyRule: 'old',
  action: 'redact',
  stage: 'request',
  place: 'messages[0].content',
  confidence: 1,
}
const rule = (over: string): string => `rules: [{ name: birds, on: both, hook: words, ${over} }]`
const falcons = rule('options: { words: [falcon] }, action: block')

const cases: readonly [
  what: string,
  policy: string,
  given: Partial<RecordedExchange>,
  decision: string,
  types: string[],
][] = [
  ['a value that was let through is found now', falcons, { request: body('a falcon') }, 'block', ['KEYWORD:list']],
  ['what is not looked for is let through', falcons, { request: body('a heron') }, 'allow', []],
  [
    'a value that the record masks is known by its finding',
    falcons,
    { request: body('a [REDACTED:KEYWORD:list]'), findings: [bird] },
    'block',
    ['KEYWORD:list'],
  ],
  [
    'a value that the record still has, and that no rule finds, is no finding any more',
    rule('options: { words: [heron] }, action: block'),
    { request: body('a falcon'), findings: [bird] },
    'allow',
    [],
  ],
  ['without a body the findings count', falcons, { findings: [bird] }, 'block', ['KEYWORD:list']],
  ['findings of types that nobody looks for do not', falcons, { findings: [{ ...bird, type: 'EMAIL' }] }, 'allow', []],
  [
    'an action may be milder than it was',
    rule('options: { words: [falcon] }, action: flag'),
    { findings: [bird] },
    'flag',
    ['KEYWORD:list'],
  ],
  [
    'answers are replayed, too',
    rule('options: { words: [falcon] }, action: redact'),
    { request: body('hello'), response: body('a falcon') },
    'redact',
    ['KEYWORD:list'],
  ],
  [
    'a rule for others does not apply',
    rule('options: { words: [falcon] }, action: block, when: { model: "o9-*" }'),
    { request: body('a falcon'), findings: [bird] },
    'allow',
    [],
  ],
  [
    'where policy only observes, everything is a flag',
    `mode: observe\n${falcons}`,
    { request: body('a falcon') },
    'flag',
    ['KEYWORD:list'],
  ],
]
for (const [what, policy, given, decision, types] of cases) {
  test(what, async () => {
    const replayed = await replayExchange(await setOf(policy), recorded(given), vault)
    assert.deepEqual([replayed.decision, replayed.types], [decision, types])
    assert.equal(replayed.rule, decision === 'allow' ? null : 'birds')
  })
}

test('what is blocked has no answer to look at', async () => {
  const set = await setOf(falcons)
  const replayed = await replayExchange(
    set,
    recorded({ request: body('a falcon'), findings: [{ ...bird, stage: 'response' }] }),
    vault,
  )
  assert.equal(replayed.rule, 'birds')
  assert.deepEqual(replayed.types, ['KEYWORD:list'])
})

test('whom others or the moment decide is not asked again: the record is taken', async () => {
  const set = await setOf(rule('action: flag').replace('words', 'elsewhere'))
  const judged = { ...bird, type: 'TONE', policyRule: 'birds', action: 'block' } as const
  const replayed = await replayExchange(set, recorded({ request: body('x'), findings: [judged] }), vault)
  assert.deepEqual(replayed, { decision: 'block', rule: 'birds', types: ['TONE'], unasked: ['birds'] })
  const others = await replayExchange(set, recorded({ findings: [{ ...judged, policyRule: 'gone' }] }), vault)
  assert.deepEqual([others.decision, others.unasked], ['allow', ['birds']])
})

test('a judge that needs no text is asked also without a body', async () => {
  const set = await setOf(rule('action: flag').replace('words', 'textless'))
  assert.equal((await replayExchange(set, recorded({}), vault)).decision, 'block')
})

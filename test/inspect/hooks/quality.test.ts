import assert from 'node:assert/strict'
import test from 'node:test'
import { noAnswerFacts } from '../../../src/core/chat.ts'
import { quality } from '../../../src/inspect/hooks/quality.ts'
import { ask, env } from '../../support/hooks.ts'
import { textPart } from '../../support/inspection.ts'

async function flags(
  text: string,
  options: object = {},
  finishReason: string | null = 'stop',
  toolCalls: string[] = [],
) {
  const answer = { ...noAnswerFacts, finishReason, toolCalls }
  const parts = text === '' ? [] : [textPart(text, { role: 'assistant' })]
  const judged = await ask(quality.create(options, env), {
    stage: 'response',
    parts,
    bodyBytes: text.length + 1,
    answer,
  })
  assert.equal(judged.verdict, undefined)
  return judged.findings.map(({ type }) => type.replace('QUALITY:', ''))
}

const circle = 'and so it goes on, '.repeat(40)
const cases: [what: string, text: string, options: object, reason: string | null, found: string[]][] = [
  ['a plain answer', 'TCP keeps order, UDP does not.', {}, 'stop', []],
  ['no text at all', '', {}, 'stop', ['empty']],
  ['blanks only', ' \n\t', {}, 'end_turn', ['empty']],
  ['no text, and nobody minds', '', { empty: false }, 'stop', []],
  ['no text where no model has ended', '', { minLength: 5 }, null, []],
  ['less than is wanted', 'Yes.', { minLength: 10 }, 'stop', ['short']],
  ['the limit of tokens (OpenAI)', 'and then', {}, 'length', ['truncated']],
  ['the limit of tokens (Anthropic)', 'and then', {}, 'max_tokens', ['truncated']],
  ['the limit of tokens (Gemini)', 'and then', {}, 'MAX_TOKENS', ['truncated']],
  ['the filter of the provider', 'and then', {}, 'content_filter', ['filtered']],
  ['an end that nobody minds', 'and then', { truncated: false }, 'length', []],
  ['a refusal', 'I’m sorry, but I can’t help with that.', {}, 'stop', ['refusal']],
  ['a refusal in German', 'Es tut mir leid, aber ich kann dabei nicht helfen.', {}, 'stop', ['refusal']],
  ['a refusal in Japanese', '申し訳ありませんが、その依頼にはお応えできません。', {}, 'stop', ['refusal']],
  ['someone else who is sorry', 'He said: I am sorry, but I cannot help.', {}, 'stop', []],
  ['an apology that goes on', 'Sorry for the delay! Here is the code.', {}, 'stop', []],
  ['a circle', `Well: ${circle}`, {}, 'stop', ['repetition']],
  ['a circle that nobody minds', circle, { maxRepeats: 0 }, 'stop', []],
  ['a ruler', `Title\n${'-'.repeat(3_000)}`, {}, 'stop', []],
  ['a table', `${'| --- '.repeat(5)}\n${'| a | b |\n'.repeat(15)}`, {}, 'stop', []],
  ['what the operator looks for', 'TODO: write this', { patterns: ['TODO'] }, 'stop', ['pattern']],
]

for (const [what, text, options, reason, found] of cases) {
  test(`${what}: ${found.join(', ') || 'nothing'}`, async () => {
    assert.deepEqual(await flags(text, options, reason), found)
  })
}

test('an answer that calls a tool need not say anything', async () => {
  assert.deepEqual(await flags('', { minLength: 10 }, 'tool_calls', ['search']), [])
})

test('a pattern that does not compile is refused', () => {
  assert.throws(() => quality.create({ patterns: ['('] }, env), { code: 'policy_invalid' })
})

test('a pattern that takes its time lets others have their turns, and ends with the time limit', async () => {
  const hook = quality.create({ maxRepeats: 0, patterns: ['(?:[a-z ]{1,30}){1,15}[!]'] }, env)
  const asked = { stage: 'response', parts: [textPart('lorem ipsum '.repeat(20_000))], bodyBytes: 1 } as const
  let turns = 0
  const turn = (): void => void (turns++, (next = setImmediate(turn)))
  let next = setImmediate(turn)
  try {
    assert.deepEqual((await ask(hook, asked)).findings, [])
  } finally {
    clearImmediate(next)
  }
  assert.ok(turns > 2, String(turns))
  const limit = new AbortController()
  setImmediate(() => limit.abort(new Error('over')))
  await assert.rejects(ask(hook, asked, limit.signal), /over/)
})

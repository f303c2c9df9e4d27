import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import test from 'node:test'
import { webhook } from '../../../src/inspect/hooks/webhook.ts'
import { ask, env } from '../../support/hooks.ts'
import { textPart } from '../../support/inspection.ts'
import { outsideJudge } from '../../support/outside-judge.ts'

const secret = 'an example secret'
const parts = [textPart('hello world'), textPart('', { path: 'x' })]
const smiling = [textPart('a😀b')]

test('the question has facts and texts, and is signed', async (t) => {
  const judge = await outsideJudge(t, { verdict: 'allow' })
  const judgement = await ask(webhook.create({ url: judge.url, secret }, env), { parts, bodyBytes: 42 })
  assert.deepEqual(judgement, { verdict: 'allow', findings: [] })
  const [{ headers, body }] = judge.asked as [(typeof judge.asked)[0]]
  const question = JSON.parse(body) as Record<string, unknown>
  assert.deepEqual(
    [question.stage, question.bodyBytes, question.provider, question.clientIp],
    ['request', 42, 'openai', '127.0.0.1'],
  )
  assert.deepEqual(question.texts, [
    { place: 'messages[0].content', role: 'user', kind: 'message', length: 11, text: 'hello world' },
    { place: 'x', role: 'user', kind: 'message', length: 0, text: '' },
  ])
  const hex = createHmac('sha256', secret).update(`1700000000.${body}`).digest('hex')
  assert.equal(headers['sallyport-signature'], `t=1700000000,v1=${hex}`)
})

test('with send: metadata no text leaves', async (t) => {
  const judge = await outsideJudge(t, { verdict: 'flag', reason: 'because' })
  const judgement = await ask(webhook.create({ url: judge.url, secret, send: 'metadata' }, env), { parts })
  assert.ok(!judge.asked[0]!.body.includes('hello'))
  assert.deepEqual([judgement.verdict, judgement.findings.map((one) => one.type)], ['flag', ['WEBHOOK']])
})

test('findings come back with their places', async (t) => {
  const judge = await outsideJudge(t, { verdict: 'redact', findings: [{ text: 0, start: 6, end: 11, type: 'WORLD' }] })
  const { verdict, findings } = await ask(webhook.create({ url: judge.url, secret }, env), { parts })
  const expected = { part: 0, start: 6, end: 11, type: 'WORLD', rule: 'webhook', confidence: 1, severity: 'medium' }
  assert.deepEqual([verdict, findings], ['redact', [expected]])
})

const finding = { text: 0, start: 0, end: 5, type: 'T' }
const unexpected: Record<string, unknown> = {
  'no JSON': 'allow',
  'an empty reply': '',
  'another verdict': { verdict: 'tokenize' },
  'no verdict': {},
  'an unknown key': { verdict: 'allow', extra: 1 },
  'a list': [{ verdict: 'allow' }],
  null: null,
  'a finding in no text': { verdict: 'flag', findings: [{ ...finding, text: 2 }] },
  'a finding beyond the end': { verdict: 'flag', findings: [{ ...finding, end: 12 }] },
  'a finding backwards': { verdict: 'flag', findings: [{ ...finding, start: 6 }] },
  'a type with blanks': { verdict: 'flag', findings: [{ ...finding, type: 'say "hi"' }] },
  'a negative offset': { verdict: 'flag', findings: [{ ...finding, start: -1 }] },
  'half an offset': { verdict: 'flag', findings: [{ ...finding, start: 0.5 }] },
  'a huge offset': { verdict: 'flag', findings: [{ ...finding, end: 9007199254740991 }] },
  'an infinite offset': '{"verdict":"flag","findings":[{"text":0,"start":0,"end":1e999,"type":"T"}]}',
  'a confidence above one': { verdict: 'flag', findings: [{ ...finding, confidence: 1.5 }] },
  'a verdict twice': '{"verdict":"block","verdict":"allow"}',
  'a prototype': '{"verdict":"allow","__proto__":{"verdict":"block"}}',
  'more findings than anybody needs': { verdict: 'flag', findings: Array(10_001).fill(0) },
  'redact without saying what': { verdict: 'redact' },
  'redact of nothing': { verdict: 'redact', findings: [{ ...finding, end: 0 }] },
}

for (const [what, reply] of Object.entries(unexpected)) {
  test(`${what} is a failure`, async (t) => {
    const judge = await outsideJudge(t, reply)
    const asked = ask(webhook.create({ url: judge.url, secret }, env), { parts })
    await assert.rejects(asked, { code: 'hook_failed' })
  })
}

test('findings in texts that were not sent are a failure', async (t) => {
  const judge = await outsideJudge(t, { verdict: 'flag', findings: [finding] })
  const asked = ask(webhook.create({ url: judge.url, secret, send: 'metadata' }, env), { parts })
  await assert.rejects(asked, { code: 'hook_failed' })
})

test('options are strict', () => {
  for (const options of [
    {},
    { url: 'ftp://x.example', secret },
    { url: 'x', secret },
    { url: 'http://x.example', secret: 'short' },
    { url: 'http://x.example', secret, sent: 'text' },
  ]) {
    assert.equal(webhook.options.safeParse(options).success, false)
  }
})

for (const [start, end] of [
  [0, 2],
  [2, 3],
] as const) {
  test(`half a character is a failure: ${start} to ${end}`, async (t) => {
    const judge = await outsideJudge(t, { verdict: 'redact', findings: [{ text: 0, start, end, type: 'T' }] })
    const asked = ask(webhook.create({ url: judge.url, secret }, env), { parts: smiling })
    await assert.rejects(asked, { code: 'hook_failed' })
  })
}

test('findings that overlap are taken as they are', async (t) => {
  const findings = [
    { text: 0, start: 1, end: 3, type: 'A' },
    { text: 0, start: 0, end: 4, type: 'B' },
  ]
  const judge = await outsideJudge(t, { verdict: 'redact', findings })
  const judgement = await ask(webhook.create({ url: judge.url, secret }, env), { parts: smiling })
  assert.deepEqual(
    judgement.findings.map(({ start, end }) => [start, end]),
    [
      [1, 3],
      [0, 4],
    ],
  )
})

test('neither the secret nor what is in the URL is in a failure', async (t) => {
  const judge = await outsideJudge(t, 'no', { status: 500 })
  const url = `${judge.url.replace('http://', 'http://user:pass-word@')}?token=hidden`
  const asked = ask(webhook.create({ url, secret }, env), { parts })
  await assert.rejects(asked, (error: Error) => {
    assert.doesNotMatch(`${error.message} ${JSON.stringify(error)}`, /hidden|pass-word|an example secret/)
    return true
  })
})

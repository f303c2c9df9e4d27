import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { presidio } from '../../../src/inspect/hooks/presidio.ts'
import { ask, env } from '../../support/hooks.ts'
import { textPart } from '../../support/inspection.ts'
import { outsideJudge } from '../../support/outside-judge.ts'

type Question = { text: string; language: string; entities?: string[]; score_threshold?: number }

/** An analyzer as Presidio's: it looks for words, and counts in code points as Python does. */
async function analyzer(t: TestContext, entities: Readonly<Record<string, string>>) {
  const asked: { url: string | undefined; key: unknown; question: Question }[] = []
  let open = 0
  let most = 0
  const server = createServer(async (request, answer) => {
    most = Math.max(most, ++open)
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk as string
    const question = JSON.parse(body) as Question
    asked.push({ url: request.url, key: request.headers['x-api-key'], question })
    const points = [...question.text]
    const found = Object.entries(entities).flatMap(([word, entity_type]) => {
      const wanted = [...word]
      return points.flatMap((_, start) =>
        wanted.every((one, i) => points[start + i] === one)
          ? [{ entity_type, start, end: start + wanted.length, score: 0.85, analysis_explanation: null }]
          : [],
      )
    })
    setTimeout(() => {
      open--
      answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(found))
    }, 2)
  })
  await new Promise<void>((ready) => void server.listen(0, '127.0.0.1', ready))
  t.after(() => void server.close().closeAllConnections())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, most: () => most }
}

test('what it finds is at its place in UTF-16 units, under our names', async (t) => {
  const { url, asked } = await analyzer(t, { 'ann@corp.example': 'EMAIL_ADDRESS', '😀 Ann': 'PERSON' })
  const hook = presidio.create({ url, entities: ['PERSON'], headers: { 'X-Api-Key': 'k' }, language: 'de' }, env)
  const texts = ['𝔘𝔫 😀 Ann: ann@corp.example', 'nothing', 'ann@corp.example']
  const { findings, verdict } = await ask(hook, { parts: texts.map((text) => textPart(text)) })
  assert.equal(verdict, undefined)
  assert.deepEqual(
    findings
      .map(({ part, type, start, end }) => [part, type, texts[part!]!.slice(start, end)])
      .sort((a, b) => Number(a[0]) - Number(b[0]) || String(a[1]).localeCompare(String(b[1]))),
    [
      [0, 'EMAIL', 'ann@corp.example'],
      [0, 'PERSON', '😀 Ann'],
      [2, 'EMAIL', 'ann@corp.example'],
    ],
  )
  const [{ url: path, key, question }] = asked as [(typeof asked)[0]]
  assert.deepEqual([path, key, question.language, question.score_threshold], ['/analyze', 'k', 'de', 0.5])
  assert.deepEqual(question.entities, ['PERSON'])
})

test('a long text goes in pieces, a few at a time, and each value is found once', async (t) => {
  const { url, asked, most } = await analyzer(t, { Zebulon: 'PERSON' })
  const text = `${'😀 word '.repeat(6_000)}Zebulon${' and so on'.repeat(9_000)} Zebulon`
  const { findings } = await ask(presidio.create({ url: `${url}/analyze` }, env), { parts: [textPart(text)] })
  assert.deepEqual(
    findings.map(({ start, end }) => text.slice(start, end)),
    ['Zebulon', 'Zebulon'],
  )
  assert.ok(asked.length > 5 && asked.every(({ question }) => question.text.length <= 20_000))
  assert.ok(most() <= 4)
})

test('without any text nobody is asked', async (t) => {
  const { url, asked } = await analyzer(t, {})
  assert.deepEqual(await ask(presidio.create({ url }, env), { parts: [textPart(' \n'), textPart('')] }), {
    findings: [],
  })
  assert.equal(asked.length, 0)
})

test('what is less certain than asked for is left out', async (t) => {
  const { url } = await analyzer(t, { Ann: 'PERSON' })
  const { findings } = await ask(presidio.create({ url, minScore: 0.9 }, env), { parts: [textPart('Ann')] })
  assert.deepEqual(findings, [])
})

const entity = { entity_type: 'PERSON', start: 0, end: 3, score: 0.9 }
const unexpected: [what: string, reply: unknown][] = [
  ['an object', { error: 'no such language' }],
  ['lists in a list', [[entity]]],
  ['an entity beyond the end', [{ ...entity, end: 4 }]],
  ['an entity of nothing', [{ ...entity, start: 3 }]],
  ['an entity backwards', [{ ...entity, start: 2, end: 1 }]],
  ['a negative start', [{ ...entity, start: -1 }]],
  ['half a character', [{ ...entity, start: 0.5 }]],
  ['no score', [{ ...entity, score: undefined }]],
  ['a score above one', [{ ...entity, score: 1.1 }]],
  ['a type with blanks', [{ ...entity, entity_type: 'a person' }]],
  ['a key that nobody knows', [{ ...entity, text: 'Ann' }]],
  ['text', '"none"'],
]

for (const [what, reply] of unexpected) {
  test(`${what} is a failure`, async (t) => {
    const { url } = await outsideJudge(t, reply)
    await assert.rejects(ask(presidio.create({ url }, env), { parts: [textPart('Ann')] }), { code: 'hook_failed' })
  })
}

test('options that are none are refused', () => {
  for (const options of [
    {},
    { url: 'x' },
    { url: 'http://x', entities: ['email'] },
    { url: 'http://x', headers: { 'a b': 'c' } },
    { url: 'http://x', headers: { a: 'b\r\nc: d' } },
    { url: 'http://x', minScore: 2 },
  ]) {
    assert.equal(presidio.options.safeParse(options).success, false)
  }
})

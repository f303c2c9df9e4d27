import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Rooms } from '../../src/engine/exchange.ts'
import { judgeMessage } from '../../src/engine/message.ts'
import { said } from '../../src/engine/said.ts'
import { startTrace } from '../../src/engine/trace.ts'
import type { MessageVerdict } from '../../src/http/websocket-judge.ts'
import { client, startEngine, wordRule } from '../support/engine.ts'
import type { Asked } from '../support/engine.ts'

const engine = startEngine()
const at = { response_id: 'r1', item_id: 'i1', output_index: 0, content_index: 0 }

type Kind = {
  readonly asked: Asked
  readonly ask: (text: string) => object
  readonly delta: (text: string) => object
  readonly end: object
  /** The pieces of text in what a client hears. */
  readonly heard: (message: string) => string
}

const kinds: Record<string, Kind> = {
  'the Realtime API': {
    asked: { method: 'GET', path: '/v1/realtime', query: 'model=gpt-realtime' },
    ask: (instructions) => ({ type: 'session.update', session: { instructions } }),
    delta: (delta) => ({ type: 'response.output_text.delta', ...at, delta }),
    end: { type: 'response.output_text.done', ...at, text: '' },
    heard: (message) => (JSON.parse(message) as { delta?: string }).delta ?? '',
  },
  'the Responses API on a WebSocket': {
    asked: { method: 'GET', path: '/v1/responses' },
    ask: (input) => ({ type: 'response.create', response: { input } }),
    delta: (delta) => ({ type: 'response.output_text.delta', ...at, delta }),
    end: { type: 'response.completed', response: { id: 'r1', status: 'completed', output: [] } },
    heard: (message) => (JSON.parse(message) as { delta?: string }).delta ?? '',
  },
  'Gemini Live': {
    asked: {
      method: 'GET',
      host: 'generativelanguage.googleapis.com',
      path: '/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent',
    },
    ask: (text) => ({ clientContent: { turns: [{ role: 'user', parts: [{ text }] }] } }),
    delta: (text) => ({ serverContent: { modelTurn: { parts: [{ text }] } } }),
    end: { serverContent: { turnComplete: true } },
    heard: (message) => {
      const { serverContent } = JSON.parse(message) as { serverContent: { modelTurn?: { parts: { text: string }[] } } }
      return serverContent.modelTurn?.parts[0]?.text ?? ''
    },
  },
}

/** A conversation without sockets: what the client gets of what the origin says, in its order. */
function conversation(rooms: Rooms, asked: Asked) {
  const trace = startTrace(rooms, client(asked).exchange)
  const keeper = rooms.keeper(trace.exchange.id, 'response')
  const origin = said(rooms, trace, keeper)
  const verdicts: Promise<[string, MessageVerdict]>[] = []
  return {
    trace,
    ask: (message: object) => judgeMessage(rooms, trace, 'up', JSON.stringify(message), undefined),
    async say(message: object): Promise<MessageVerdict['kind'] | 'later'> {
      const text = JSON.stringify(message)
      const verdict = await origin.judge(text)
      const given = verdict.kind === 'later' ? verdict.verdict : Promise.resolve(verdict)
      verdicts.push(given.then((one) => [text, one]))
      return verdict.kind
    },
    decided: async () => (await Promise.all(verdicts)).map(([, verdict]) => verdict),
    /** The messages as the client hears them. */
    async over(): Promise<{ heard: string[]; stored: string }> {
      await origin.finish()
      const heard: string[] = []
      for (const [text, verdict] of await Promise.all(verdicts)) {
        if (verdict.kind === 'pass') heard.push(text)
        else heard.push(verdict.kind === 'replace' ? verdict.text : `close ${verdict.reason} ${verdict.last ?? ''}`)
      }
      return { heard, stored: String((await keeper.finish()).inline) }
    },
  }
}

for (const [name, { asked, ask, delta, end, heard: textOf }] of Object.entries(kinds)) {
  test(`${name}: a placeholder cut over messages at any place becomes the value again, and is stored as it is`, async () => {
    const rooms = await engine.rooms(wordRule('tokenize', 'request'))
    const first = conversation(rooms, asked)
    const sent = await first.ask(ask('a bluebird'))
    const placeholder = /QX_KEYWORD_[0-9a-z]{14}/.exec(sent.kind === 'replace' ? sent.text : '')?.[0] ?? ''
    assert.equal(placeholder.length, 25)
    await first.over()
    const answer = `I saw ${placeholder}s`
    for (let cut = 0; cut <= answer.length; cut++) {
      const { say, over, trace } = conversation(rooms, asked)
      for (const text of [answer.slice(0, cut), answer.slice(cut)]) await say(delta(text))
      await say(end)
      const { heard, stored } = await over()
      assert.equal(heard.map(textOf).join(''), 'I saw bluebirds', `cut at ${cut}`)
      assert.ok(!stored.includes('bluebird'))
      assert.equal(trace.findings.length, 0)
    }
  })

  test(`${name}: a value cut over messages is found as one`, async () => {
    const rooms = await engine.rooms(wordRule('redact', 'response'))
    for (let cut = 0; cut <= 'no bluebird.'.length; cut++) {
      const { say, over, trace } = conversation(rooms, asked)
      for (const text of ['no bluebird.'.slice(0, cut), 'no bluebird.'.slice(cut)]) await say(delta(text))
      await say(end)
      const { heard, stored } = await over()
      assert.equal(heard.map(textOf).join(''), 'no [REDACTED:KEYWORD:project].')
      assert.ok(!stored.includes('bluebird'))
      assert.equal(trace.findings.length, 1)
    }
  })
}

const { asked, delta, end } = kinds['the Realtime API'] as Kind

test('a message that needs no wait has its verdict at once, and one behind a waiting one does not overtake it', async () => {
  const { say, over } = conversation(await engine.rooms(wordRule('redact', 'response')), asked)
  assert.equal(await say(delta('hello. ')), 'pass')
  assert.equal(await say(delta('a blue')), 'later')
  assert.equal(await say({ type: 'response.output_audio.delta', ...at, content_index: 1, delta: 'AAAA' }), 'later')
  assert.equal(await say(delta(' sky. ')), 'pass')
  const { heard } = await over()
  assert.equal(heard.length, 4)
})

test('what waits leaves when its time is over', async () => {
  const rooms = await engine.rooms(`holdbackMs: 20\n${wordRule('redact', 'response')}`)
  const { say, over, decided } = conversation(rooms, asked)
  assert.equal(await say(delta('a blue')), 'later')
  assert.equal((await decided())[0]?.kind, 'pass')
  assert.equal((await over()).heard.length, 1)
})

test('a blocked value ends the conversation with an error event and the reason; what came before it has passed', async () => {
  const { say, over, trace } = conversation(await engine.rooms(wordRule('block', 'response')), asked)
  await say(delta('hello. '))
  await say(delta('a blue'))
  await say(delta('bird. '))
  const { heard, stored } = await over()
  assert.equal(heard[0], JSON.stringify(delta('hello. ')))
  assert.match(
    heard[1] ?? '',
    /^close blocked by the policy rule "our project" \{"type":"error",.*"code":"sallyport_blocked"/,
  )
  assert.ok(!JSON.stringify(heard).includes('blue') && !stored.includes('blue'))
  assert.deepEqual([trace.decision, trace.rule], ['block', 'our project'])
})

test('what a conversation tells is in its record', async () => {
  const { say, over, trace } = conversation(await engine.rooms(), asked)
  const usage = { total_tokens: 5, input_tokens: 3, output_tokens: 2 }
  await say({ type: 'response.done', response: { id: 'r1', status: 'completed', output: [], usage } })
  await say({ type: 'response.done', response: { id: 'r2', status: 'completed', output: [], usage } })
  await over()
  assert.deepEqual([trace.answer.usage, trace.answer.upstreamId], [{ input: 6, output: 4 }, 'r2'])
})

test('a value that the client named is not stored when the origin repeats it', async () => {
  const rooms = await engine.rooms(wordRule('flag', 'request'))
  const { ask, say, over } = conversation(rooms, asked)
  await say(delta('welcome. '))
  await ask({ type: 'session.update', session: { instructions: 'a bluebird' } })
  for (const text of ['blue', 'bird. ']) await say(delta(text))
  await say(end)
  const { heard, stored } = await over()
  assert.ok(heard.join('').includes('blue'))
  assert.ok(!/blue/.test(stored), stored)
})

test('a message is no answer by itself to what looks at whole answers', async () => {
  const rooms = await engine.rooms('rules: [{ name: good, hook: quality, action: block }]')
  const { say, over, trace } = conversation(rooms, asked)
  await say(delta('I’m sorry, but I can’t help with that. '))
  await say(end)
  assert.equal((await over()).heard.length, 2)
  assert.deepEqual([trace.decision, trace.findings], ['allow', []])
})

test('sound is recorded as what nobody reads, and ends the conversation where policy refuses it', async () => {
  const sound = Buffer.alloc(64).toString('base64')
  const heard = conversation(await engine.rooms(), asked)
  await heard.say({ type: 'response.output_audio.delta', ...at, delta: sound })
  await heard.over()
  assert.equal(heard.trace.notInspected, 'answer audio')
  for (const [policy, kind] of [
    ['', 'pass'],
    ['opaque: { audio: block, default: allow }', 'close'],
  ] as const) {
    const { ask, over, trace } = conversation(await engine.rooms(policy), asked)
    assert.equal((await ask({ type: 'input_audio_buffer.append', audio: sound })).kind, kind)
    assert.equal(trace.notInspected, 'audio')
    await over()
  }
})

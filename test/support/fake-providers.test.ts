import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { fakeProviders, type FakeOptions } from './fake-providers.ts'
import { startOrigin } from './origin.ts'

const text = 'héllo "wörld"\n\u{1f600} end'
const tools = [
  { type: 'function' as const, function: { name: 'save', parameters: { type: 'object', properties: {} } } },
]

const ways: [what: string, options: FakeOptions][] = [
  ['whole', {}],
  ['in pieces of three', { delta: 3 }],
  ['compressed', { delta: 5, coding: 'gzip' }],
]

for (const [what, options] of ways) {
  test(`the fake OpenAI is understood by its own SDK, ${what}`, async () => {
    await using origin = await startOrigin(fakeProviders(options))
    const client = new OpenAI({ apiKey: 'none', baseURL: `http://${origin.address}/v1` })
    const ask = { model: 'gpt-5.1', messages: [{ role: 'user' as const, content: text }] }
    const whole = await client.chat.completions.create(ask)
    assert.equal(whole.choices[0]?.message.content, text)
    assert.equal(whole.usage?.prompt_tokens_details?.cached_tokens, 4)
    const stream = client.chat.completions.stream({ ...ask, tools, stream_options: { include_usage: true } })
    const call = (await stream.finalChatCompletion()).choices[0]?.message.tool_calls?.[0]
    assert.deepEqual(JSON.parse(call?.type === 'function' ? call.function.arguments : ''), { text })
    assert.equal((await client.responses.create({ model: 'gpt-5.1', input: text })).output_text, text)
    const final = await client.responses
      .stream({ model: 'gpt-5.1', input: [{ role: 'user', content: text }] })
      .finalResponse()
    assert.equal(final.output_text, text)
    assert.deepEqual(
      (await client.embeddings.create({ model: 'e', input: [text, text] })).data[1]?.embedding,
      [0.5, -0.25, 0.125],
    )
    assert.equal((await client.completions.create({ model: 'c', prompt: text })).choices[0]?.text, text)
  })

  test(`the fake Anthropic is understood by its own SDK, ${what}`, async () => {
    await using origin = await startOrigin(fakeProviders(options))
    const client = new Anthropic({ apiKey: 'none', baseURL: `http://${origin.address}` })
    const ask = { model: 'claude-sonnet-5-5', max_tokens: 100, messages: [{ role: 'user' as const, content: text }] }
    const whole = await client.messages.create({ ...ask, thinking: { type: 'enabled', budget_tokens: 50 } })
    assert.deepEqual(
      whole.content.map((block) => block.type),
      ['thinking', 'text'],
    )
    assert.equal(await client.messages.stream(ask).finalText(), text)
    const tool = { name: 'save', input_schema: { type: 'object' as const } }
    const final = await client.messages
      .stream({ ...ask, tools: [tool], thinking: { type: 'enabled', budget_tokens: 50 } })
      .finalMessage()
    const [thought, call] = final.content
    assert.equal(thought?.type === 'thinking' && thought.thinking, `They say: ${text}`)
    assert.deepEqual(call?.type === 'tool_use' && call.input, { text })
    assert.equal(final.stop_reason, 'tool_use')
    assert.equal((await client.messages.countTokens({ model: ask.model, messages: ask.messages })).input_tokens, 20)
  })

  test(`the fake Gemini is understood by its own SDK, ${what}`, async () => {
    await using origin = await startOrigin(fakeProviders(options))
    const client = new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl: `http://${origin.address}` } })
    const ask = { model: 'gemini-2.5-pro', contents: text }
    assert.equal((await client.models.generateContent(ask)).text, text)
    let said = ''
    for await (const piece of await client.models.generateContentStream(ask)) said += piece.text
    assert.equal(said, text)
    const config = { tools: [{ functionDeclarations: [{ name: 'save' }] }] }
    assert.deepEqual((await client.models.generateContent({ ...ask, config })).functionCalls?.[0]?.args, { text })
    const array = await fetch(`http://${origin.address}/v1beta/models/gemini-2.5-pro:streamGenerateContent`, {
      method: 'POST',
      body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text }] }] }),
    })
    const answers = (await array.json()) as { candidates: { content: { parts: { text: string }[] } }[] }[]
    assert.equal(answers.map((answer) => answer.candidates[0]?.content.parts[0]?.text).join(''), text)
  })
}

test('a path that nobody knows is a 404', async () => {
  await using origin = await startOrigin(fakeProviders())
  assert.equal((await fetch(`http://${origin.address}/v2/nothing`)).status, 404)
})

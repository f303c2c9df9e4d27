import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openai } from '../../src/providers/openai.ts'
import { chat } from './samples/openai.ts'
import { aboutOf } from './samples/sample.ts'

const about = aboutOf('chat', '/v1/chat/completions')

test('what a request says, and the model of an Azure deployment', () => {
  assert.deepEqual(openai.readRequest(chat.request, about).facts, {
    model: 'gpt-5.1-mini',
    stream: true,
    messages: 4,
    tools: ['read'],
  })
  const azure = aboutOf('chat', '/openai/deployments/prod-4o/chat/completions')
  assert.equal(openai.readRequest('{"messages":[]}', azure).facts.model, 'prod-4o')
  assert.deepEqual(openai.readRequest('{"functions":[{"name":"f"}]}', about).facts.tools, ['f'])
})

test('each text has its role and kind', () => {
  const told = openai.readRequest(chat.request, about).parts.map((part) => `${part.path} ${part.role} ${part.kind}`)
  assert.deepEqual(told, [
    'messages[0].content system message',
    'messages[1].name user metadata',
    'messages[1].content[0].text user message',
    'messages[2].tool_calls[0].function.name assistant tool-definition',
    'messages[2].tool_calls[0].function.arguments{0} assistant tool-arguments',
    'messages[2].tool_calls[0].function.arguments.{0} assistant tool-arguments',
    'messages[2].tool_calls[0].function.arguments{1} assistant tool-arguments',
    'messages[3].content tool tool-result',
    'tools[0].function.name unknown tool-definition',
    'tools[0].function.description unknown tool-definition',
    'tools[0].function.parameters.properties{0} unknown tool-definition',
    'tools[0].function.parameters.properties.path.description unknown tool-definition',
    'user unknown metadata',
    'unknown_field.deep[0] unknown other',
  ])
})

test('usage comes in disjoint buckets, in the words of each vendor', () => {
  const details = { prompt_tokens: 100, completion_tokens: 30 }
  const cases: [object, object][] = [
    [details, { input: 100, output: 30 }],
    [
      {
        ...details,
        prompt_tokens_details: { cached_tokens: 60, audio_tokens: 10 },
        completion_tokens_details: { reasoning_tokens: 20, audio_tokens: 5 },
      },
      { input: 30, cachedInput: 60, output: 5, reasoning: 20, audio: 15 },
    ],
    [
      { ...details, prompt_cache_hit_tokens: 40, prompt_cache_miss_tokens: 60 },
      { input: 60, cachedInput: 40, output: 30 },
    ],
    [
      { ...details, total_tokens: 150, completion_tokens_details: { reasoning_tokens: 20 } },
      { input: 100, output: 30, reasoning: 20 },
    ],
    [
      { ...details, prompt_tokens_details: { cached_tokens: 10, cache_write_tokens: 20 } },
      { input: 70, cachedInput: 10, cacheWrite: 20, output: 30 },
    ],
    [
      { prompt_tokens: 1, prompt_tokens_details: { cached_tokens: 5 } },
      { input: 0, cachedInput: 5, output: 0 },
    ],
    [
      { prompt_tokens: '7', completion_tokens: null },
      { input: 0, output: 0 },
    ],
  ]
  for (const [usage, expected] of cases) {
    assert.deepEqual(openai.readAnswer(JSON.stringify({ choices: [], usage }), about).facts.usage, expected)
  }
  const groq = '{"choices":[],"x_groq":{"usage":{"prompt_tokens":3,"completion_tokens":2}}}'
  assert.deepEqual(openai.readAnswer(groq, about).facts.usage, { input: 3, output: 2 })
})

test('parallel calls grow side by side, each in its own text, and the finish ends those of its choice', () => {
  const events = read(chat.stream.text)
  const json = events.flatMap((event) => event.parts.filter((part) => part.fragment === 'json'))
  assert.deepEqual(
    json.map((part) => [part.channel, part.text]),
    [
      ['choice:0:tool:0:arguments', '{"a"'],
      ['choice:0:tool:1:arguments', '{'],
      ['choice:0:tool:0:arguments', ':"b"}'],
      ['choice:0:tool:1:arguments', '}'],
    ],
  )
  assert.deepEqual(
    events.filter((event) => event.ends.length > 0).map((event) => event.ends),
    [['choice:0:reasoning', 'choice:0:content', 'choice:0:tool:0:arguments', 'choice:0:tool:1:arguments'], ['*']],
  )
})

test('several choices grow apart', () => {
  const chunk = (index: number, finish: string | null): object => ({
    choices: [{ index, delta: { content: 'a' }, finish_reason: finish }],
  })
  const events = read(
    [chunk(0, null), chunk(1, null), chunk(1, 'stop')].map((one) => `data: ${JSON.stringify(one)}\n\n`).join(''),
  )
  assert.deepEqual(
    events.map((event) => event.parts[0]?.channel),
    ['choice:0:content', 'choice:1:content', 'choice:1:content'],
  )
  assert.deepEqual(
    events.map((event) => event.ends),
    [[], [], ['choice:1:content']],
  )
})

test('content that comes as parts, and a field nobody knows, grow too', () => {
  const thinking = { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }
  const delta = { content: [thinking, { type: 'text', text: 'hi' }], reasoning_text: 'x', text: 'y' }
  const [event] = read(`data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`)
  assert.deepEqual(
    event?.parts.map((part) => [part.channel, part.whole, part.text]),
    [
      ['choice:0:reasoning', false, 'hm'],
      ['choice:0:content', false, 'hi'],
      ['choice:0:choices[0].delta.reasoning_text', true, 'x'],
      ['choice:0:choices[0].delta.text', false, 'y'],
    ],
  )
})

test('an error in the middle of a stream is text, and ends everything', () => {
  const [event] = read('data: {"error":{"message":"overloaded: try later","code":null}}\n\n')
  assert.deepEqual([event?.parts[0]?.text, event?.ends], ['overloaded: try later', ['*']])
})

function read(text: string) {
  const reader = openai.reader({ ...about, contentType: 'text/event-stream' })
  assert.ok(reader !== undefined)
  return [...reader.push(Buffer.from(text)), ...reader.end()]
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openai } from '../../src/providers/openai.ts'
import type { Operation } from '../../src/providers/provider.ts'
import { aboutOf } from './samples/sample.ts'

const cases: [Operation, string, object, string[], object, string[]][] = [
  [
    'completions',
    '/v1/completions',
    { prompt: ['say «a»', 'b c'], stop: ['d e'] },
    ['say «a»', 'b c', 'd e'],
    { choices: [{ index: 0, text: 'x y', finish_reason: 'stop' }] },
    ['x y'],
  ],
  [
    'embeddings',
    '/v1/embeddings',
    { input: ['a b', 'c d'], encoding_format: 'base64' },
    ['a b', 'c d'],
    { data: [{ object: 'embedding', embedding: 'AACAPwAAAEA=' }] },
    [],
  ],
  ['embeddings', '/v1/embeddings', { input: [[1, 2], [3]] }, [], { data: [{ embedding: [0.1, 0.2] }] }, []],
  [
    'images',
    '/v1/images/generations',
    { prompt: 'a cat', size: '1024x1024' },
    ['a cat'],
    { data: [{ b64_json: 'iVBORw0KGgo=', revised_prompt: 'a grey cat' }] },
    ['a grey cat'],
  ],
  [
    'audio',
    '/v1/audio/speech',
    { input: 'say it', voice: 'alloy', instructions: 'calm now' },
    ['say it', 'calm now'],
    { text: 'as heard' },
    ['as heard'],
  ],
  [
    'moderations',
    '/v1/moderations',
    {
      input: [
        { type: 'text', text: 'a b' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      ],
    },
    ['a b'],
    { results: [{ flagged: false }] },
    [],
  ],
  [
    'rerank',
    '/v1/rerank',
    { query: 'a b', documents: ['c d', { text: 'e f' }] },
    ['a b', 'c d', 'e f'],
    { results: [{ index: 0, relevance_score: 0.5 }] },
    [],
  ],
]

test('the texts of each operation are found, and encoded bytes are not', () => {
  for (const [operation, path, request, requestTexts, answer, answerTexts] of cases) {
    const about = aboutOf(operation, path)
    const body = JSON.stringify({ model: 'm-1', ...request })
    assert.deepEqual(
      openai.readRequest(body, about).parts.map((part) => part.text),
      requestTexts,
      path,
    )
    assert.equal(openai.readRequest(body, about).facts.model, 'm-1')
    assert.deepEqual(
      openai.readAnswer(JSON.stringify(answer), about).parts.map((part) => part.text),
      answerTexts,
      path,
    )
  }
})

test('usage is read in both vocabularies', () => {
  const about = aboutOf('images', '/v1/images/generations')
  const usage = (value: object): object => openai.readAnswer(JSON.stringify({ usage: value }), about).facts.usage
  assert.deepEqual(usage({ prompt_tokens: 5 }), { input: 5, output: 0 })
  assert.deepEqual(usage({ input_tokens: 5, output_tokens: 7 }), { input: 5, cachedInput: 0, output: 7, reasoning: 0 })
})

test('a transcription is streamed in pieces and repeated when done', () => {
  const reader = openai.reader(aboutOf('audio', '/v1/audio/transcriptions', 'text/event-stream'))
  const text = [
    '{"type":"transcript.text.delta","delta":"as "}',
    '{"type":"transcript.text.delta","delta":"heard"}',
    '{"type":"transcript.text.done","text":"as heard"}',
  ]
  const events = reader?.push(Buffer.from(text.map((line) => `data: ${line}\n\n`).join(''))) ?? []
  assert.deepEqual(
    events.map((event) => [event.parts[0]?.whole, event.parts[0]?.text, event.ends]),
    [
      [false, 'as ', []],
      [false, 'heard', []],
      [true, 'as heard', ['*']],
    ],
  )
})

test('older completions stream into one text for each choice', () => {
  const reader = openai.reader(aboutOf('completions', '/v1/completions', 'text/event-stream'))
  const [event] =
    reader?.push(Buffer.from('data: {"choices":[{"index":1,"text":"a b","finish_reason":"length"}]}\n\n')) ?? []
  assert.deepEqual([event?.parts[0]?.channel, event?.ends], ['choice:1:text', ['choice:1:text']])
  assert.equal(reader?.facts().finishReason, 'length')
})

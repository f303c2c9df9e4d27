import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gemini, vertex } from '../../src/providers/gemini.ts'
import { generate, generateArray } from './samples/gemini.ts'
import { aboutOf } from './samples/sample.ts'

const about = aboutOf('generate', generate.path)

test('what a request says: the model and the stream are in the path', () => {
  assert.deepEqual(gemini.readRequest(generate.request, about).facts, {
    model: 'gemini-3-pro',
    stream: true,
    messages: 3,
    tools: ['read'],
  })
  const whole = aboutOf('generate', '/v1/projects/p/locations/l/publishers/google/models/g-1:generateContent')
  assert.deepEqual(vertex.readRequest('{"contents":[]}', whole).facts, {
    model: 'g-1',
    stream: false,
    messages: 0,
    tools: [],
  })
})

test('audio and image tokens are apart from the text of their side', () => {
  const usageMetadata = {
    promptTokenCount: 100,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: 60 },
      { modality: 'AUDIO', tokenCount: 30 },
      { modality: 'IMAGE', tokenCount: 10 },
    ],
    candidatesTokenCount: 20,
    candidatesTokensDetails: [{ modality: 'AUDIO', tokenCount: 5 }],
    toolUsePromptTokenCount: 7,
  }
  const { facts } = gemini.readAnswer(JSON.stringify({ usageMetadata }), about)
  assert.deepEqual(facts.usage, { input: 67, output: 15, audio: 35, image: 10 })
})

test('a blocked prompt says so', () => {
  assert.equal(gemini.readAnswer('{"promptFeedback":{"blockReason":"SAFETY"}}', about).facts.finishReason, 'SAFETY')
})

test('an array that was gathered whole tells what its elements tell', () => {
  const { facts, parts } = gemini.readAnswer(generateArray.stream.text, about)
  assert.deepEqual(facts, generateArray.stream.facts)
  assert.deepEqual(
    parts.map((part) => part.text),
    ['hm', 'Hel', 'lo "é]}"', 'read', 'path', 'a'],
  )
})

test('texts grow by candidate, thoughts apart, and a finish ends them', () => {
  for (const { stream } of [generate, generateArray]) {
    const reader = gemini.reader({ ...about, contentType: stream.contentType })
    const events = [...(reader?.push(Buffer.from(stream.text)) ?? []), ...(reader?.end() ?? [])]
    assert.deepEqual(
      events.flatMap((event) => event.parts.map((part) => [part.channel, part.whole, part.kind])),
      [
        ['candidate:0:thought', false, 'reasoning'],
        ['candidate:0:text', false, 'message'],
        ['candidate:0:text', false, 'message'],
        ['candidate:0:candidates[0].content.parts[0].functionCall.name', true, 'tool-definition'],
        ['candidate:0:candidates[0].content.parts[0].functionCall.args{0}', true, 'tool-arguments'],
        ['candidate:0:candidates[0].content.parts[0].functionCall.args.path', true, 'tool-arguments'],
      ],
    )
    assert.deepEqual(events.find((event) => event.ends.length > 0)?.ends, ['candidate:0:thought', 'candidate:0:text'])
  }
})

test('only the streaming method answers JSON as a stream', () => {
  assert.equal(gemini.reader(aboutOf('generate', '/v1beta/models/g:generateContent')), undefined)
  assert.ok(gemini.reader(about) !== undefined)
})

test('refusals have Google’s shape, in the framing of the stream', () => {
  const refusal = { code: 'sallyport_blocked', status: 403, message: 'no' }
  const body = '{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED"}}'
  assert.equal(gemini.refuse(refusal).body, body)
  assert.equal(gemini.refuseEvent(refusal, { ...about, contentType: 'text/event-stream' }), `data: ${body}\n\n`)
  assert.deepEqual(JSON.parse(`[{}${gemini.refuseEvent(refusal, about)}`), [{}, JSON.parse(body)])
  assert.match(gemini.refuse({ ...refusal, status: 504 }).body, /DEADLINE_EXCEEDED/)
})

test('on Google’s hosts each path is refused in its own dialect', () => {
  const refusal = { code: 'sallyport_blocked', status: 403, message: 'no' }
  assert.match(
    gemini.refuse(refusal, aboutOf('chat', '/v1beta/openai/chat/completions')).body,
    /"code":"sallyport_blocked"/,
  )
  const raw = aboutOf('messages', '/v1/projects/p/locations/l/publishers/anthropic/models/c:rawPredict')
  assert.match(vertex.refuse(refusal, raw).body, /"permission_error"/)
})

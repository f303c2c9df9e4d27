import type { FakeAnswer, Speech } from './fake-providers.ts'

type Json = Record<string, unknown>

/** generateContent, streamGenerateContent (SSE with `alt=sse`, else a JSON array), countTokens, embedContent; undefined for other paths. */
export function geminiAnswer(url: string, request: Json, speak: (last: string) => Speech): FakeAnswer | undefined {
  const [, model, operation] = /\/models\/([^/:]+):(\w+)/.exec(url) ?? []
  const speech = speak(lastUserText(request))
  const tool = toolName(request)
  const part = tool === undefined ? undefined : { functionCall: { name: tool, args: { text: speech.text } } }
  switch (operation) {
    case 'generateContent':
      return { kind: 'json', body: answer(model, [part ?? { text: speech.text }], true) }
    case 'streamGenerateContent': {
      const parts = part === undefined ? speech.cut(speech.text).map((text) => ({ text })) : [part]
      const pieces = parts.map((some, i) => answer(model, [some], i === parts.length - 1))
      if (/[?&]alt=sse(&|$)/.test(url)) return { kind: 'sse', events: pieces.map((data) => ({ data })) }
      const spelled = pieces.map((piece, i) => `${i === 0 ? '[' : ',\r\n'}${JSON.stringify(piece, null, 2)}`)
      return { kind: 'raw', type: 'application/json; charset=UTF-8', pieces: [...spelled, '\n]\n'] }
    }
    case 'countTokens':
      return { kind: 'json', body: { totalTokens: 20 } }
    case 'embedContent':
      return { kind: 'json', body: { embedding: { values: [0.5, -0.25] } } }
    default:
      return undefined
  }
}

function answer(model: string | undefined, parts: Json[], last: boolean): Json {
  const candidate = { content: { parts, role: 'model' }, ...(last ? { finishReason: 'STOP' } : {}), index: 0 }
  return {
    candidates: [candidate],
    ...(last ? { usageMetadata: usage } : {}),
    modelVersion: model,
    responseId: 'fake_gemini_1',
  }
}

function lastUserText(request: Json): string {
  const contents = Array.isArray(request['contents']) ? (request['contents'] as Json[]) : []
  const last = contents.findLast((content) => content['role'] === undefined || content['role'] === 'user')
  const parts = Array.isArray(last?.['parts']) ? (last['parts'] as Json[]) : []
  return (parts.findLast((part) => typeof part['text'] === 'string')?.['text'] as string | undefined) ?? ''
}

function toolName(request: Json): string | undefined {
  const [tool] = Array.isArray(request['tools']) ? (request['tools'] as Json[]) : []
  const [declaration] = Array.isArray(tool?.['functionDeclarations']) ? (tool['functionDeclarations'] as Json[]) : []
  return declaration?.['name'] as string | undefined
}

const usage = {
  promptTokenCount: 20,
  cachedContentTokenCount: 4,
  candidatesTokenCount: 7,
  thoughtsTokenCount: 2,
  totalTokenCount: 29,
}

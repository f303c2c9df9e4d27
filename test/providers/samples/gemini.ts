import type { AnswerFacts } from '../../../src/core/chat.ts'
import { sse } from './sample.ts'
import type { Sample } from './sample.ts'

const geminiChunks = [
  {
    candidates: [{ index: 0, content: { role: 'model', parts: [{ text: 'hm', thought: true }] } }],
    modelVersion: 'gemini-3-pro',
    responseId: 'r1',
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 1 },
  },
  { candidates: [{ index: 0, content: { role: 'model', parts: [{ text: 'Hel' }] } }] },
  { candidates: [{ index: 0, content: { role: 'model', parts: [{ text: 'lo "é]}"' }] } }] },
  {
    candidates: [
      {
        index: 0,
        finishReason: 'STOP',
        content: {
          role: 'model',
          parts: [{ functionCall: { name: 'read', args: { path: 'a' } }, thoughtSignature: 'CrcBAVSoXO4=' }],
        },
      },
    ],
    usageMetadata: { promptTokenCount: 10, cachedContentTokenCount: 4, candidatesTokenCount: 7, thoughtsTokenCount: 3 },
  },
]

const geminiFacts: AnswerFacts = {
  model: 'gemini-3-pro',
  usage: { input: 6, cachedInput: 4, output: 7, reasoning: 3 },
  finishReason: 'STOP',
  upstreamId: 'r1',
  toolCalls: ['read'],
}

export const generate: Sample = {
  operation: 'generate',
  path: '/v1beta/models/gemini-3-pro:streamGenerateContent',
  request: JSON.stringify({
    systemInstruction: { role: 'user', parts: [{ text: '«be brief»' }] },
    contents: [
      { parts: [{ text: '«hi»' }, { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } }] },
      {
        role: 'model',
        parts: [{ functionCall: { name: 'read', args: { '«path»': '«a»' } }, thoughtSignature: 'CrcBAVSoXO4=' }],
      },
      { role: 'user', parts: [{ functionResponse: { name: 'read', response: { output: '«content»' } } }] },
    ],
    tools: [
      {
        functionDeclarations: [
          {
            name: 'read',
            description: '«reads»',
            parameters: { type: 'OBJECT', properties: { path: { type: 'STRING', description: '«where»' } } },
          },
        ],
      },
    ],
    generationConfig: { responseMimeType: 'application/json', stopSequences: ['«stop here»'] },
    unknown_field: { deep: ['«new»'] },
  }),
  answer: JSON.stringify({
    candidates: [
      {
        content: {
          role: 'model',
          parts: [{ text: '«hello»' }, { functionCall: { name: 'read', args: { '«a»': '«b»' } } }],
        },
        finishReason: 'STOP',
      },
    ],
    modelVersion: 'gemini-3-pro',
  }),
  stream: { contentType: 'text/event-stream', text: sse(geminiChunks).replaceAll('\n', '\r\n'), facts: geminiFacts },
}

export const generateArray: Sample = {
  ...generate,
  stream: {
    contentType: 'application/json; charset=UTF-8',
    text: `[${geminiChunks.map((chunk) => JSON.stringify(chunk, null, 2)).join('\n,\r\n')}\n]\n`,
    facts: geminiFacts,
  },
}

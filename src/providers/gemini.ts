import { anthropicDialect } from './anthropic.ts'
import { defineProvider } from './define.ts'
import type { Dialect, Reading } from './dialect.ts'
import { live } from './gemini-live.ts'
import { geminiAnswer, geminiCandidateScope, geminiEvent, geminiRequest } from './gemini-shapes.ts'
import { geminiUsage } from './gemini-usage.ts'
import type { JsonTree } from './json-scan.ts'
import { items, kindOf, lengthOf, member, none, root } from './json-tree.ts'
import type { JsonNode } from './json-tree.ts'
import { namesIn, noteCall, noteWords, word } from './notes.ts'
import type { Notes } from './notes.ts'
import { openaiDialect } from './openai.ts'
import type { Operation, Refusal } from './provider.ts'

const reading: Reading = {
  request: geminiRequest,
  answer: geminiAnswer,
  event: geminiEvent,
  requestFacts: (tree, about) => {
    const inner = member(tree, root, 'request')
    const request = kindOf(tree, inner) === 'object' ? inner : root
    return {
      model: modelInPath(about.target.path) ?? word(tree, member(tree, root, 'model')) ?? null,
      stream: about.target.path.endsWith(':streamGenerateContent'),
      messages: lengthOf(tree, member(tree, request, 'contents')),
      tools: items(tree, member(tree, request, 'tools')).flatMap((tool) => [
        ...namesIn(tree, member(tree, tool, 'functionDeclarations'), 'name'),
        ...namesIn(tree, member(tree, tool, 'function_declarations'), 'name'),
      ]),
    }
  },
  note: (notes, tree) => {
    const inner = member(tree, root, 'response')
    noteAnswer(notes, tree, kindOf(tree, inner) === 'object' ? inner : root)
  },
  closes: (tree) => {
    if (member(tree, root, 'error') !== none) return ['*']
    return items(tree, member(tree, root, 'candidates')).flatMap((candidate, i) =>
      word(tree, member(tree, candidate, 'finishReason')) === undefined
        ? []
        : [geminiCandidateScope(tree, candidate, i)],
    )
  },
}

/** Gemini's own: generateContent and its kin. A stream is server-sent events with `alt=sse`, else one JSON array. */
export const geminiDialect: Dialect = {
  name: 'gemini',
  operation: operationOf,
  readings: { generate: reading, count_tokens: reading, embed: reading, realtime: live },
  framing: ({ target }) => (target.path.endsWith(':streamGenerateContent') ? 'array' : undefined),
  refuse: (refusal) => ({ contentType: 'application/json; charset=UTF-8', body: errorBody(refusal) }),
  refuseEvent: (refusal, about) => {
    // The Live API has no event for it: the close says why.
    if (about?.operation === 'realtime') return ''
    const lines = about?.contentType.toLowerCase().startsWith('application/json') === true
    return lines ? `,\r\n${errorBody(refusal)}\r\n]` : `data: ${errorBody(refusal)}\n\n`
  },
}

export const gemini = defineProvider(
  'gemini',
  ['generativelanguage.googleapis.com', '*-generativelanguage.googleapis.com'],
  [geminiDialect, openaiDialect],
)

/** Vertex AI: Gemini, Anthropic behind rawPredict, and others in the OpenAI shape. */
export const vertex = defineProvider(
  'vertex',
  ['aiplatform.googleapis.com', '*-aiplatform.googleapis.com', 'aiplatform.*.rep.googleapis.com'],
  [geminiDialect, anthropicDialect, openaiDialect],
)

function operationOf(path: string): Operation | undefined {
  if (/[./]BidiGenerateContent(?:Constrained)?$/.test(path)) return 'realtime'
  const method = /:([A-Za-z]+)$/.exec(path)?.[1]
  if (method !== undefined) return methods[method]
  return /\/(?:models|tunedModels)(?:\/[^/]+)?$/.test(path) && /^\/v1(?:alpha|beta\d?)?\//.test(path)
    ? 'models'
    : undefined
}

const methods: Readonly<Record<string, Operation>> = {
  generateContent: 'generate',
  streamGenerateContent: 'generate',
  generateAnswer: 'generate',
  countTokens: 'count_tokens',
  embedContent: 'embed',
  batchEmbedContents: 'embed',
  batchGenerateContent: 'batches',
}

function modelInPath(path: string): string | undefined {
  return /\/(?:models|tunedModels|endpoints)\/([^/:]+):/.exec(path)?.[1]
}

function noteAnswer(notes: Notes, tree: JsonTree, answer: JsonNode): void {
  noteWords(notes, tree, { model: member(tree, answer, 'modelVersion'), id: member(tree, answer, 'responseId') })
  noteWords(notes, tree, { finish: member(tree, answer, 'promptFeedback', 'blockReason') })
  for (const candidate of items(tree, member(tree, answer, 'candidates'))) {
    noteWords(notes, tree, { finish: member(tree, candidate, 'finishReason') })
    for (const part of items(tree, member(tree, candidate, 'content', 'parts'))) {
      noteCall(notes, word(tree, member(tree, part, 'functionCall', 'name')))
    }
  }
  const usage = member(tree, answer, 'usageMetadata')
  // Every chunk repeats the counts, growing: the last one counts.
  if (kindOf(tree, usage) === 'object') notes.usage = geminiUsage(tree, usage)
}

function errorBody({ status, message }: Refusal): string {
  return JSON.stringify({
    error: { code: status, message, status: statuses[status] ?? (status >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT') },
  })
}

const statuses: Readonly<Record<number, string>> = {
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

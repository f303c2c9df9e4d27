import type { Dialect } from './dialect.ts'
import { chat } from './openai-chat.ts'
import { audio, completions, embeddings, images, moderations, rerank } from './openai-other.ts'
import { realtime } from './openai-realtime.ts'
import { responses } from './openai-responses.ts'
import { defineProvider } from './define.ts'
import type { About, Operation, Refusal } from './provider.ts'

/** The dialect that most others took over. Paths are told by their ends: what stands in front differs by vendor. */
export const openaiDialect: Dialect = {
  name: 'openai',
  operation: operationOf,
  readings: { chat, responses, realtime, completions, embeddings, images, audio, moderations, rerank },
  refuse: (refusal) => ({ contentType: 'application/json', body: JSON.stringify({ error: errorOf(refusal) }) }),
  refuseEvent,
}

export const openai = defineProvider('openai', ['api.openai.com', '*.api.openai.com'], [openaiDialect])

function operationOf(path: string): Operation | undefined {
  const end = path.endsWith('/') ? path.slice(0, -1) : path
  for (const [suffix, operation] of endings) if (end.endsWith(suffix)) return operation
  const found = /\/(responses|files|batches|uploads|models)\/[^/]+(?:\/|$)/.exec(path)?.[1]
  return found === undefined ? undefined : below[found]
}

// Longest first where one ends in another.
const endings: readonly (readonly [string, Operation])[] = [
  ['/chat/completions', 'chat'],
  ['/text/chatcompletion_v2', 'chat'],
  ['/fim/completions', 'completions'],
  ['/completions', 'completions'],
  ['/responses/compact', 'responses'],
  ['/responses', 'responses'],
  ['/realtime', 'realtime'],
  ['/embeddings', 'embeddings'],
  ['/images/generations', 'images'],
  ['/images/edits', 'images'],
  ['/images/variations', 'images'],
  ['/audio/speech', 'audio'],
  ['/audio/transcriptions', 'audio'],
  ['/audio/translations', 'audio'],
  ['/moderations', 'moderations'],
  ['/rerank', 'rerank'],
  ['/files', 'files'],
  ['/batches', 'batches'],
  ['/models', 'models'],
]

const below: Readonly<Record<string, Operation>> = {
  responses: 'responses',
  files: 'files',
  uploads: 'files',
  batches: 'batches',
  models: 'models',
}

function errorOf({ code, status, message }: Refusal): Record<string, string | null> {
  const type = status >= 500 ? 'server_error' : (types[status] ?? 'invalid_request_error')
  return { message, type, param: null, code }
}

const types: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'policy_violation',
  413: 'policy_violation',
  429: 'rate_limit_error',
}

function refuseEvent(refusal: Refusal, about: About | undefined): string {
  if (about?.operation === 'realtime') {
    const error = { ...errorOf(refusal), event_id: null }
    return `${JSON.stringify({ type: 'error', event_id: `event_${refusal.code}`, error })}\n`
  }
  if (about?.operation !== 'responses') return `data: ${JSON.stringify({ error: errorOf(refusal) })}\n\n`
  const error = { code: refusal.code, message: refusal.message }
  const response = { object: 'response', status: 'failed', error, output: [] }
  return `event: response.failed\ndata: ${JSON.stringify({ type: 'response.failed', sequence_number: 0, response })}\n\n`
}

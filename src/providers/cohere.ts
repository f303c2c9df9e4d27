import type { Usage } from '../core/chat.ts'
import { defineProvider } from './define.ts'
import type { Dialect, Reading } from './dialect.ts'
import type { JsonTree } from './json-scan.ts'
import { isTrue, items, kindOf, lengthOf, member, numberOf, root, stringOf } from './json-tree.ts'
import type { JsonNode } from './json-tree.ts'
import { count, modelOf, namesIn, noteCall, noteWords, word } from './notes.ts'
import type { Notes } from './notes.ts'
import { media, toolsShape } from './openai-chat.ts'
import { openaiDialect } from './openai.ts'
import type { Operation, Refusal } from './provider.ts'
import {
  anything,
  argumentsDocument,
  fragment,
  object,
  piece,
  schema,
  structural,
  texts,
  toolArguments,
  toolResult,
  whole,
} from './shape.ts'
import type { Shape } from './shape.ts'

const content: Shape = object(
  { type: structural, text: texts('message'), thinking: texts('reasoning'), image_url: media },
  { as: 'message', others: texts('message') },
)

const calls = object({
  id: structural,
  type: structural,
  function: object({ name: structural, arguments: argumentsDocument }),
})

const message = object(
  { role: structural, content, tool_calls: calls, tool_call_id: structural, tool_plan: texts('reasoning') },
  { roles: true },
)

const request = object({
  model: structural,
  messages: message,
  // The first version of the API: one message, and those before it.
  message: texts('message', 'user'),
  preamble: texts('message', 'system'),
  chat_history: object({ role: structural, message: texts('message') }),
  documents: { ...toolResult, others: 'same' },
  tools: toolsShape(),
  tool_choice: structural,
  response_format: object({ type: structural, json_schema: schema, schema }),
  safety_mode: structural,
})

const ends = {
  id: structural,
  finish_reason: structural,
  usage: structural,
  meta: structural,
  generation_id: structural,
}

const answer = object({
  ...ends,
  message: { ...message, role: 'assistant' },
  text: texts('message', 'assistant'),
  tool_calls: { ...toolArguments, others: 'same' },
})

const callScope = (): string => 'tool'
const indexScope = (tree: JsonTree, node: JsonNode): string =>
  `${stringOf(tree, member(tree, node, 'type'))?.split('-', 1)[0] ?? 'content'}:${numberOf(tree, member(tree, node, 'index')) ?? 0}`

const grown = object(
  {
    role: structural,
    content: object(
      { type: structural, text: piece('message', 'text'), thinking: piece('reasoning', 'thinking') },
      { as: 'message', channel: 'text' },
    ),
    tool_plan: piece('reasoning', 'plan'),
    tool_calls: object(
      {
        id: structural,
        type: structural,
        function: object({ name: structural, arguments: fragment('arguments') }),
      },
      { scope: callScope },
    ),
    citations: whole(anything),
  },
  { role: 'assistant' },
)

const event = object(
  {
    ...ends,
    type: structural,
    delta: object({ ...ends, message: grown }),
    // The first version's events.
    event_type: structural,
    text: piece('message', 'text'),
    response: whole(answer),
  },
  { scope: indexScope },
)

const chat: Reading = {
  request,
  answer,
  event,
  requestFacts: (tree, about) => ({
    model: modelOf(tree, about.target.path),
    stream: isTrue(tree, member(tree, root, 'stream')),
    messages: Math.max(1, lengthOf(tree, member(tree, root, 'messages'))),
    tools: namesIn(tree, member(tree, root, 'tools'), 'function', 'name'),
  }),
  note,
  closes: (tree) => {
    const type = stringOf(tree, member(tree, root, 'type')) ?? stringOf(tree, member(tree, root, 'event_type')) ?? ''
    if (type === 'message-end' || type === 'stream-end') return ['*']
    return type === 'content-end' || type === 'tool-call-end' ? [indexScope(tree, root)] : []
  },
}

/** Cohere's own API, as of its second version; the first one's chat is read too. */
const cohereDialect: Dialect = {
  name: 'cohere',
  operation: operationOf,
  readings: { chat },
  refuse: (refusal) => ({
    contentType: 'application/json',
    body: JSON.stringify({ code: refusal.code, message: refusal.message }),
  }),
  refuseEvent: (refusal, about) => {
    if (about?.contentType.startsWith('text/event-stream') === false && about.contentType !== '')
      return `${JSON.stringify({ event_type: 'stream-end', finish_reason: 'ERROR', ...errorOf(refusal) })}\n`
    const delta = { ...errorOf(refusal), finish_reason: 'ERROR' }
    return `event: message-end\ndata: ${JSON.stringify({ type: 'message-end', delta })}\n\n`
  },
}

export const cohere = defineProvider('cohere', ['api.cohere.com', 'api.cohere.ai'], [cohereDialect, openaiDialect])

function operationOf(path: string): Operation | undefined {
  return /^\/v[12]\/chat$/.test(path) ? 'chat' : undefined
}

function errorOf({ message }: Refusal): { readonly error: string } {
  return { error: message }
}

function note(notes: Notes, tree: JsonTree): void {
  const delta = member(tree, root, 'delta')
  noteWords(notes, tree, { id: member(tree, root, 'id') })
  const whole = member(tree, root, 'response')
  for (const holder of [root, whole, delta]) {
    noteWords(notes, tree, { finish: member(tree, holder, 'finish_reason') })
    const tokens = member(tree, holder, 'usage', 'tokens')
    const billed = member(tree, holder, 'usage', 'billed_units')
    if (kindOf(tree, tokens) === 'object') notes.usage = usageOf(tree, tokens)
    else if (kindOf(tree, billed) === 'object') notes.usage = usageOf(tree, billed)
    const called = member(tree, holder, 'message', 'tool_calls')
    noteCall(notes, word(tree, member(tree, called, 'function', 'name')))
    for (const item of items(tree, called)) noteCall(notes, word(tree, member(tree, item, 'function', 'name')))
  }
}

function usageOf(tree: JsonTree, tokens: JsonNode): Usage {
  return { input: count(tree, tokens, 'input_tokens'), output: count(tree, tokens, 'output_tokens') }
}

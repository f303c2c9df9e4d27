import type { Usage } from '../core/chat.ts'
import type { TextKind } from '../core/text.ts'
import { defineProvider } from './define.ts'
import type { Dialect, Reading } from './dialect.ts'
import type { JsonTree } from './json-scan.ts'
import { isTrue, items, kindOf, lengthOf, member, numberOf, root, stringOf } from './json-tree.ts'
import type { JsonNode } from './json-tree.ts'
import { modelOf, namesIn, noteCall, noteWords, word } from './notes.ts'
import type { Notes } from './notes.ts'
import {
  anything,
  either,
  encodedMedia,
  fragment,
  object,
  opaque,
  piece,
  schema,
  structural,
  texts,
  toolArguments,
  toolName,
  whole,
} from './shape.ts'
import type { Shape } from './shape.ts'
import type { Operation, Refusal } from './provider.ts'

const common = {
  id: structural,
  type: structural,
  name: toolName,
  cache_control: structural,
  tool_use_id: structural,
  server_name: structural,
  file_id: structural,
  caller: structural,
}

const source = either(
  'type',
  { text: object({ type: structural, media_type: structural, data: texts('message') }) },
  object({
    type: structural,
    media_type: structural,
    data: encodedMedia(),
    file_id: structural,
    content: texts('message'),
  }),
)

/** A content block. `as` is the kind of its text: of a message, or of a tool's result. */
function block(as: TextKind, inResult?: Shape): Shape {
  const result = inResult ?? { ...block('tool-result', texts('tool-result')), role: 'tool' as const }
  const one = object({
    ...common,
    text: texts(as),
    // A signature covers the text, and the provider checks it on the next turn.
    thinking: texts('reasoning'),
    signature: opaque,
    data: opaque,
    input: toolArguments,
    content: result,
    source,
    title: texts('file-name'),
    context: texts(as),
    citations: anything,
    encrypted_content: opaque,
    encrypted_stdout: opaque,
    page_age: structural,
    error_code: structural,
  })
  return { ...one, as, others: texts(as), sealed: isSigned }
}

function isSigned(tree: JsonTree, node: JsonNode): boolean {
  return isThinking(tree, node) && word(tree, member(tree, node, 'signature')) !== undefined
}

/** Of a block that has just begun, or a piece of one: its signature comes last. */
function isThinking(tree: JsonTree, node: JsonNode): boolean {
  return stringOf(tree, member(tree, node, 'type'))?.startsWith('thinking') === true
}

const message = object({ role: structural, content: block('message') }, { roles: true })

const requestShape = object({
  model: structural,
  system: { ...block('message'), role: 'system' },
  messages: message,
  prompt: texts('message', 'user'),
  tools: object(
    { ...common, input_schema: schema, description: texts('tool-definition') },
    { as: 'tool-definition', others: 'same' },
  ),
  tool_choice: object({ type: structural, name: toolName }, { as: 'structural' }),
  metadata: texts('metadata'),
  thinking: structural,
  service_tier: structural,
  anthropic_version: structural,
  anthropic_beta: structural,
  container: structural,
  output_config: object({ effort: structural, format: object({ type: structural, schema }) }),
})

const answerFields = {
  id: structural,
  type: structural,
  role: structural,
  model: structural,
  content: block('message'),
  stop_reason: structural,
  usage: structural,
  container: structural,
  request_id: structural,
  error: object({ type: structural }),
  completion: piece('message', 'completion'),
} satisfies Record<string, Shape>

const answerShape = object(answerFields, { role: 'assistant' })

const blockScope = (tree: JsonTree, node: JsonNode): string =>
  `block:${numberOf(tree, member(tree, node, 'index')) ?? 0}`

const started = block('message')
const startedFields = new Map(started.fields)
startedFields
  .set('text', piece('message', 'text'))
  .set('thinking', piece('reasoning', 'thinking'))
  .set('input', whole(toolArguments))
startedFields.set('content', whole({ ...block('tool-result'), role: 'tool' }))

const growing = object({
  type: structural,
  text: piece('message', 'text'),
  thinking: piece('reasoning', 'thinking'),
  partial_json: fragment('input'),
  signature: opaque,
  citation: whole(anything),
})

const eventShape: Shape = either(
  'type',
  {
    content_block_start: object(
      { type: structural, content_block: { ...started, fields: startedFields, sealed: isThinking } },
      { scope: blockScope },
    ),
    content_block_delta: object({ type: structural, delta: { ...growing, sealed: isThinking } }, { scope: blockScope }),
  },
  object({
    ...answerFields,
    message: whole(answerShape),
    delta: object({ stop_reason: structural, container: structural }),
  }),
)

const messages: Reading = {
  request: requestShape,
  answer: answerShape,
  event: eventShape,
  requestFacts: (tree, about) => ({
    model: modelOf(tree, about.target.path),
    stream: isTrue(tree, member(tree, root, 'stream')) || about.target.path.endsWith(':streamRawPredict'),
    messages: lengthOf(tree, member(tree, root, 'messages')),
    tools: namesIn(tree, member(tree, root, 'tools'), 'name'),
  }),
  note: (notes, tree) => {
    noteMessage(notes, tree, root)
    noteMessage(notes, tree, member(tree, root, 'message'))
    noteWords(notes, tree, { finish: member(tree, root, 'delta', 'stop_reason') })
    noteBlock(notes, tree, member(tree, root, 'content_block'))
  },
  closes: (tree) => {
    const type = stringOf(tree, member(tree, root, 'type'))
    if (type === 'content_block_stop') return [blockScope(tree, root)]
    return type === 'message_stop' || type === 'error' || word(tree, member(tree, root, 'stop_reason')) !== undefined
      ? ['*']
      : []
  },
}

export const anthropicDialect: Dialect = {
  name: 'anthropic',
  operation: operationOf,
  readings: { messages, count_tokens: messages, complete: messages },
  refuse: (refusal) => ({ contentType: 'application/json', body: errorBody(refusal) }),
  refuseEvent: (refusal) => `event: error\ndata: ${errorBody(refusal)}\n\n`,
}

export const anthropic = defineProvider('anthropic', ['api.anthropic.com'], [anthropicDialect])

function operationOf(path: string): Operation | undefined {
  const end = path.endsWith('/') ? path.slice(0, -1) : path
  if (end.endsWith('/v1/messages/count_tokens')) return 'count_tokens'
  // Not `/messages` alone: threads of other APIs end so too.
  if (end.endsWith('/v1/messages')) return 'messages'
  if (end.includes('/v1/messages/batches')) return 'batches'
  if (end.endsWith('/v1/complete')) return 'complete'
  if (/\/publishers\/anthropic\/models\/[^/]+:(?:rawPredict|streamRawPredict)$/.test(end)) {
    return end.includes('/count-tokens:') ? 'count_tokens' : 'messages'
  }
  return undefined
}

function noteMessage(notes: Notes, tree: JsonTree, node: JsonNode): void {
  if (kindOf(tree, node) !== 'object') return
  noteWords(notes, tree, {
    model: member(tree, node, 'model'),
    id: member(tree, node, 'id'),
    finish: member(tree, node, 'stop_reason'),
  })
  for (const item of items(tree, member(tree, node, 'content'))) noteBlock(notes, tree, item)
  const usage = member(tree, node, 'usage')
  // Counts in a later event are totals so far, not increments; a count that an event leaves out stands.
  if (kindOf(tree, usage) === 'object') notes.usage = { ...notes.usage, ...usageOf(tree, usage) }
}

function noteBlock(notes: Notes, tree: JsonTree, node: JsonNode): void {
  const type = stringOf(tree, member(tree, node, 'type')) ?? ''
  if (type === 'tool_use' || type.endsWith('_tool_use')) noteCall(notes, word(tree, member(tree, node, 'name')))
}

function usageOf(tree: JsonTree, usage: JsonNode): Usage {
  const input = numberOf(tree, member(tree, usage, 'input_tokens'))
  const cachedInput = numberOf(tree, member(tree, usage, 'cache_read_input_tokens'))
  const cacheWrite = numberOf(tree, member(tree, usage, 'cache_creation_input_tokens'))
  const output = numberOf(tree, member(tree, usage, 'output_tokens'))
  return {
    ...(input === undefined ? {} : { input }),
    ...(cachedInput === undefined ? {} : { cachedInput }),
    ...(cacheWrite === undefined ? {} : { cacheWrite }),
    ...(output === undefined ? {} : { output }),
  }
}

function errorBody({ status, message }: Refusal): string {
  const type = errorTypes[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error')
  return JSON.stringify({ type: 'error', error: { type, message } })
}

const errorTypes: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

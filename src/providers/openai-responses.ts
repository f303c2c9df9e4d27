import type { Usage } from '../core/chat.ts'
import type { TextKind } from '../core/text.ts'
import type { Reading } from './dialect.ts'
import type { JsonTree } from './json-scan.ts'
import { isTrue, items, kindOf, lengthOf, member, numberOf, root, stringOf } from './json-tree.ts'
import type { JsonNode } from './json-tree.ts'
import { count, modelOf, namesIn, noteCall, noteWords, word } from './notes.ts'
import type { Notes } from './notes.ts'
import { mediaFields, toolsShape } from './openai-chat.ts'
import {
  argumentsDocument,
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
  toolResult,
  whole,
} from './shape.ts'
import type { Shape } from './shape.ts'

const common = {
  id: structural,
  type: structural,
  status: structural,
  role: structural,
  call_id: structural,
  name: toolName,
}

/** A part of a message's content, a reasoning item's content or summary, or a tool's output. */
function contentPart(as: TextKind): Shape {
  const part = object({
    ...mediaFields,
    type: structural,
    text: texts(as),
    refusal: texts(as),
    transcript: texts(as),
    logprobs: { as: 'ignored' },
  })
  const reasoning = object({ type: structural, text: texts('reasoning') })
  const cases = either('type', { reasoning_text: reasoning, summary_text: reasoning }, part)
  return { ...cases, as, others: texts(as) }
}

/** An item of the input or the output; the members of all kinds together, since no two mean different things by one name. */
export const responseItem: Shape = object(
  {
    ...common,
    phase: structural,
    server_label: structural,
    approval_request_id: structural,
    content: contentPart('message'),
    summary: { ...contentPart('reasoning'), role: 'assistant' },
    encrypted_content: opaque,
    arguments: argumentsDocument,
    input: toolArguments,
    action: toolArguments,
    operation: toolArguments,
    queries: toolArguments,
    code: toolArguments,
    output: { ...contentPart('tool-result'), role: 'tool' },
    outputs: toolResult,
    results: object(
      { file_id: structural, filename: texts('file-name') },
      { as: 'tool-result', role: 'tool', others: 'same' },
    ),
    result: { ...encodedMedia('image'), role: 'tool' },
    tools: toolsShape(),
  },
  { roles: true },
)

const format = object({ type: structural, name: toolName, schema }, { as: 'tool-definition', others: 'same' })

export const responseSettings = {
  id: structural,
  model: structural,
  tools: toolsShape(),
  tool_choice: object({ type: structural, name: toolName, server_label: toolName }, { as: 'structural' }),
  created_at: structural,
  completed_at: structural,
  text: object({ format, verbosity: structural }),
  reasoning: object({ effort: structural, summary: structural, generate_summary: structural }),
  instructions: { ...responseItem, as: 'message', role: 'system' },
  metadata: texts('metadata'),
  user: texts('metadata'),
  safety_identifier: texts('metadata'),
  prompt_cache_key: texts('metadata'),
  previous_response_id: structural,
  include: structural,
  truncation: structural,
  service_tier: structural,
  prompt: object({ id: structural, version: structural, variables: texts('message', 'user') }),
} satisfies Record<string, Shape>

const requestShape = object({ ...responseSettings, input: { ...responseItem, as: 'message', role: 'user' } })

const response = object({
  ...responseSettings,
  object: structural,
  status: structural,
  output: { ...responseItem, role: 'assistant' },
  usage: structural,
})

/** The event that ends in `.delta`, by what grows. */
export const responseDeltas: Record<string, Shape> = {
  output_text: piece('message', 'text'),
  refusal: piece('message', 'refusal'),
  reasoning_text: piece('reasoning', 'reasoning'),
  reasoning_summary_text: piece('reasoning', 'summary'),
  reasoning_summary: piece('reasoning', 'summary'),
  function_call_arguments: fragment('arguments'),
  mcp_call_arguments: fragment('arguments'),
  custom_tool_call_input: piece('tool-arguments', 'input'),
  code_interpreter_call_code: piece('tool-arguments', 'code'),
  'audio.transcript': piece('message', 'transcript'),
  audio: encodedMedia('audio'),
}

export const responseEventFields = {
  ...common,
  item_id: structural,
  obfuscation: structural,
  response: whole(response),
  item: whole(responseItem),
  part: whole(contentPart('message')),
  arguments: whole(argumentsDocument),
  input: whole(texts('tool-arguments')),
  code: whole(texts('tool-arguments')),
  text: whole(texts('message')),
  refusal: whole(texts('message')),
  transcript: whole(texts('message')),
  partial_image_b64: encodedMedia('image'),
  logprobs: { as: 'ignored' },
} satisfies Record<string, Shape>

const byType: Record<string, Shape> = {}
for (const [name, delta] of Object.entries(responseDeltas)) {
  byType[`response.${name}.delta`] = object({ ...responseEventFields, delta }, { scope: outputScope })
}
for (const name of ['reasoning_text', 'reasoning_summary_text']) {
  byType[`response.${name}.done`] = object(
    { ...responseEventFields, text: whole(texts('reasoning')) },
    { scope: outputScope },
  )
}
const reasoningPart = object({ ...responseEventFields, part: whole(contentPart('reasoning')) }, { scope: outputScope })
byType['response.reasoning_summary_part.added'] = reasoningPart
byType['response.reasoning_summary_part.done'] = reasoningPart

/** Events repeat whole texts when they are done: those stand in `text`, `arguments`, `item` and `response`, and are whole. */
const eventShape = either('type', byType, object(responseEventFields, { scope: outputScope }))

/** The Responses API. */
export const responses: Reading = {
  request: requestShape,
  answer: response,
  event: eventShape,
  requestFacts: (tree, about) => {
    const input = member(tree, root, 'input')
    return {
      model: modelOf(tree, about.target.path),
      stream: isTrue(tree, member(tree, root, 'stream')),
      messages: kindOf(tree, input) === 'string' ? 1 : lengthOf(tree, input),
      tools: namesIn(tree, member(tree, root, 'tools'), 'name'),
    }
  },
  note: (notes, tree) => {
    const inEvent = member(tree, root, 'response')
    if (kindOf(tree, inEvent) === 'object') noteResponse(notes, tree, inEvent)
    else if (kindOf(tree, member(tree, root, 'output')) === 'array') noteResponse(notes, tree, root)
    noteItem(notes, tree, member(tree, root, 'item'))
  },
  closes: (tree) => {
    const type = stringOf(tree, member(tree, root, 'type')) ?? ''
    if (/^(?:response\.(?:completed|failed|incomplete|cancelled)|error)$/.test(type)) return ['*']
    if (type === 'response.output_item.done')
      return [`output:${numberOf(tree, member(tree, root, 'output_index')) ?? 0}`]
    return type.endsWith('.done') ? [outputScope(tree, root)] : []
  },
}

export function responsesUsage(tree: JsonTree, usage: JsonNode): Usage {
  const cached = count(tree, usage, 'input_tokens_details', 'cached_tokens')
  const reasoning = count(tree, usage, 'output_tokens_details', 'reasoning_tokens')
  return {
    input: Math.max(0, count(tree, usage, 'input_tokens') - cached),
    cachedInput: cached,
    output: Math.max(0, count(tree, usage, 'output_tokens') - reasoning),
    reasoning,
  }
}

/** `output:0:0`: the item and the part of it that an event is about. */
export function outputScope(tree: JsonTree, node: JsonNode): string {
  const index = numberOf(tree, member(tree, node, 'output_index')) ?? 0
  const part =
    numberOf(tree, member(tree, node, 'content_index')) ?? numberOf(tree, member(tree, node, 'summary_index')) ?? 0
  return `output:${index}:${part}`
}

function noteResponse(notes: Notes, tree: JsonTree, response: JsonNode): void {
  const reason = member(tree, response, 'incomplete_details', 'reason')
  const status = member(tree, response, 'status')
  noteWords(notes, tree, { model: member(tree, response, 'model'), id: member(tree, response, 'id'), finish: status })
  noteWords(notes, tree, { finish: reason })
  for (const output of items(tree, member(tree, response, 'output'))) noteItem(notes, tree, output)
  const usage = member(tree, response, 'usage')
  if (kindOf(tree, usage) === 'object') notes.usage = responsesUsage(tree, usage)
}

function noteItem(notes: Notes, tree: JsonTree, node: JsonNode): void {
  const type = stringOf(tree, member(tree, node, 'type')) ?? ''
  if (!type.endsWith('_call')) return
  const key = word(tree, member(tree, node, 'id')) ?? word(tree, member(tree, node, 'call_id'))
  noteCall(notes, word(tree, member(tree, node, 'name')) ?? type, key)
}

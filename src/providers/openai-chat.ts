import type { Usage } from '../core/chat.ts'
import type { TextKind } from '../core/text.ts'
import type { Reading } from './dialect.ts'
import type { JsonTree } from './json-scan.ts'
import { isTrue, items, kindOf, lengthOf, member, none, numberOf, root } from './json-tree.ts'
import type { JsonNode } from './json-tree.ts'
import { count, modelOf, namesIn, noteCall, noteWords, word } from './notes.ts'
import type { Notes } from './notes.ts'
import {
  argumentsDocument,
  either,
  encodedMedia,
  fragment,
  ignored,
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

/** Usage in disjoint buckets, from counts where prompt includes cached and completion includes reasoning. */
export function openaiUsage(tree: JsonTree, usage: JsonNode): Usage {
  const prompt = count(tree, usage, 'prompt_tokens')
  const completion = count(tree, usage, 'completion_tokens')
  const reasoning = count(tree, usage, 'completion_tokens_details', 'reasoning_tokens')
  const details = member(tree, usage, 'prompt_tokens_details')
  // DeepSeek and Moonshot have names of their own for cached tokens.
  const cached =
    count(tree, details, 'cached_tokens') ||
    count(tree, usage, 'prompt_cache_hit_tokens') ||
    count(tree, usage, 'cached_tokens')
  const written = count(tree, details, 'cache_write_tokens')
  const audioIn = count(tree, details, 'audio_tokens')
  const audioOut = count(tree, usage, 'completion_tokens_details', 'audio_tokens')
  // xAI counts reasoning apart from completion: its total says so.
  const apart = reasoning > 0 && count(tree, usage, 'total_tokens') === prompt + completion + reasoning
  return {
    input: Math.max(0, prompt - cached - written - audioIn),
    output: Math.max(0, completion - (apart ? 0 : reasoning) - audioOut),
    ...(cached > 0 || numberOf(tree, member(tree, details, 'cached_tokens')) !== undefined
      ? { cachedInput: cached }
      : {}),
    ...(written > 0 ? { cacheWrite: written } : {}),
    ...(numberOf(tree, member(tree, usage, 'completion_tokens_details', 'reasoning_tokens')) === undefined
      ? {}
      : { reasoning }),
    ...(audioIn + audioOut > 0 ? { audio: audioIn + audioOut } : {}),
  }
}

/** Tools offered: `tools[].function` or `.custom`, and the older `functions`. */
export function toolsShape(): Shape {
  const definition = object({ name: toolName, parameters: schema }, { as: 'tool-definition', others: 'same' })
  return object(
    { type: structural, function: definition, custom: definition, name: toolName, parameters: schema },
    { as: 'tool-definition', others: 'same' },
  )
}

/** An image, file or recording: encoded bytes, or where they are. */
export const mediaFields = {
  detail: structural,
  media_type: structural,
  mime_type: structural,
  format: structural,
  file_id: structural,
  file_data: encodedMedia(),
  filename: texts('file-name'),
  data: encodedMedia(),
  b64_json: encodedMedia('image'),
}

export const media = object(mediaFields)

function content(as: TextKind): Shape {
  const part = object({
    type: structural,
    text: texts(as),
    refusal: texts(as),
    thinking: texts('reasoning'),
    image_url: media,
    input_audio: object({ ...mediaFields, data: encodedMedia('audio') }),
    video_url: object({ ...mediaFields, data: encodedMedia('video') }),
    file: media,
    cache_control: structural,
  })
  return { ...part, as, others: texts(as) }
}

function call(argumentsShape: Shape): Shape {
  const named = object({ name: toolName, arguments: argumentsShape, input: toolArguments })
  return object(
    { id: structural, type: structural, function: named, custom: named },
    { scope: (tree, node, position) => `tool:${numberOf(tree, member(tree, node, 'index')) ?? position}` },
  )
}

function message(as: TextKind): Shape {
  return object(
    {
      role: structural,
      name: texts('metadata'),
      content: content(as),
      refusal: texts('message'),
      reasoning_content: texts('reasoning'),
      reasoning: texts('reasoning'),
      reasoning_details: reasoningDetails,
      tool_calls: call(argumentsDocument),
      tool_call_id: structural,
      function_call: object({ name: toolName, arguments: argumentsDocument }),
      audio: object({ id: structural, data: encodedMedia('audio'), transcript: texts('message') }),
      cache_control: structural,
    },
    { roles: true },
  )
}

const reasoningDetails = object({
  type: structural,
  id: structural,
  format: structural,
  text: piece('reasoning', 'reasoning_detail'),
  summary: piece('reasoning', 'reasoning_detail'),
  data: opaque,
  signature: opaque,
})

const anyMessage = either(
  'role',
  { tool: message('tool-result'), function: message('tool-result') },
  message('message'),
)

const deltaThinking = object(
  { type: structural, text: piece('reasoning', 'reasoning') },
  { as: 'reasoning', channel: 'reasoning' },
)

const delta = object({
  role: structural,
  content: object(
    { type: structural, text: piece('message', 'content'), thinking: deltaThinking },
    { as: 'message', channel: 'content' },
  ),
  refusal: piece('message', 'refusal'),
  reasoning_content: piece('reasoning', 'reasoning'),
  reasoning: piece('reasoning', 'reasoning'),
  reasoning_details: reasoningDetails,
  tool_calls: call(fragment('arguments')),
  function_call: object({ name: toolName, arguments: fragment('arguments') }, { scope: () => 'call' }),
  audio: object({ id: structural, data: encodedMedia('audio'), transcript: piece('message', 'transcript') }),
})

const choice = object({ type: structural, name: toolName, function: object({ name: toolName }) }, { as: 'structural' })

const requestShape = object({
  model: structural,
  messages: anyMessage,
  tools: toolsShape(),
  functions: toolsShape(),
  tool_choice: choice,
  function_call: choice,
  created: structural,
  seed: structural,
  response_format: object({
    type: structural,
    json_schema: object({ name: toolName, schema }, { as: 'tool-definition', others: 'same' }),
  }),
  prediction: object({ type: structural, content: texts('message', 'assistant') }),
  user: texts('metadata'),
  metadata: texts('metadata'),
  safety_identifier: texts('metadata'),
  prompt_cache_key: texts('metadata'),
  service_tier: structural,
  reasoning_effort: structural,
  verbosity: structural,
  modalities: structural,
})

const choiceScope = (tree: JsonTree, node: JsonNode, position: number): string =>
  `choice:${numberOf(tree, member(tree, node, 'index')) ?? position}`

const answerShape = object({
  id: structural,
  object: structural,
  created: structural,
  model: structural,
  system_fingerprint: structural,
  service_tier: structural,
  obfuscation: structural,
  provider: structural,
  usage: structural,
  prompt_filter_results: structural,
  choices: object(
    {
      finish_reason: structural,
      native_finish_reason: structural,
      // The tokens of the text once more.
      logprobs: ignored,
      message: whole({ ...message('message'), role: 'assistant' }),
      delta,
      text: piece('message', 'text'),
      content_filter_results: structural,
    },
    { scope: choiceScope },
  ),
})

/** Chat completions, as OpenAI documents them and as the many who took the shape over extend them. */
export const chat: Reading = {
  request: requestShape,
  answer: answerShape,
  event: answerShape,
  requestFacts: (tree, about) => ({
    model: modelOf(tree, about.target.path),
    stream: isTrue(tree, member(tree, root, 'stream')),
    messages: lengthOf(tree, member(tree, root, 'messages')),
    tools: toolNames(tree),
  }),
  note,
  closes: (tree) => {
    if (member(tree, root, 'error') !== none && kindOf(tree, member(tree, root, 'error')) === 'object') return ['*']
    const choices = items(tree, member(tree, root, 'choices'))
    return choices.flatMap((choice, i) =>
      kindOf(tree, member(tree, choice, 'finish_reason')) === 'string' ? [choiceScope(tree, choice, i)] : [],
    )
  },
}

function note(notes: Notes, tree: JsonTree): void {
  const choices = items(tree, member(tree, root, 'choices'))
  noteWords(notes, tree, { model: member(tree, root, 'model'), id: member(tree, root, 'id') })
  for (const [i, choice] of choices.entries()) {
    noteWords(notes, tree, { finish: member(tree, choice, 'finish_reason') })
    const scope = choiceScope(tree, choice, i)
    for (const holder of ['message', 'delta']) {
      const calls = items(tree, member(tree, choice, holder, 'tool_calls'))
      for (const [j, item] of calls.entries()) {
        const name =
          word(tree, member(tree, item, 'function', 'name')) ?? word(tree, member(tree, item, 'custom', 'name'))
        noteCall(notes, name, `${scope}:${numberOf(tree, member(tree, item, 'index')) ?? j}`)
      }
      noteCall(notes, word(tree, member(tree, choice, holder, 'function_call', 'name')), `${scope}:call`)
    }
  }
  for (const usage of [member(tree, root, 'usage'), member(tree, root, 'x_groq', 'usage')]) {
    if (kindOf(tree, usage) === 'object') notes.usage = openaiUsage(tree, usage)
  }
}

function toolNames(tree: JsonTree): string[] {
  const tools = member(tree, root, 'tools')
  return [
    ...namesIn(tree, tools, 'function', 'name'),
    ...namesIn(tree, tools, 'custom', 'name'),
    ...namesIn(tree, member(tree, root, 'functions'), 'name'),
  ]
}

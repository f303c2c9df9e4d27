import type { RequestFacts } from '../core/chat.ts'
import type { Reading } from './dialect.ts'
import type { JsonTree } from './json-scan.ts'
import { isTrue, kindOf, lengthOf, member, root, stringOf } from './json-tree.ts'
import { modelOf, noteWords } from './notes.ts'
import type { Notes } from './notes.ts'
import { chat, media, openaiUsage } from './openai-chat.ts'
import { responsesUsage } from './openai-responses.ts'
import type { About } from './provider.ts'
import { encodedMedia, object, opaque, piece, structural, texts } from './shape.ts'
import type { Shape } from './shape.ts'

const settings = {
  model: structural,
  user: texts('metadata'),
  metadata: texts('metadata'),
  encoding_format: structural,
  response_format: structural,
  quality: structural,
  size: structural,
  style: structural,
  voice: structural,
  language: structural,
  background: structural,
  output_format: structural,
  input_type: structural,
} satisfies Record<string, Shape>

const moderated = object(
  { type: structural, text: texts('message'), image_url: media },
  { as: 'message', role: 'user', others: texts('message') },
)

const head = {
  id: structural,
  object: structural,
  model: structural,
  type: structural,
  usage: structural,
  created: structural,
}

/** The older completions: a prompt, choices of text. */
export const completions: Reading = {
  ...chat,
  request: object({ ...settings, prompt: texts('message', 'user'), suffix: texts('message', 'user') }),
  requestFacts: (tree, about) => simpleFacts(tree, about, 'prompt'),
}

export const embeddings: Reading = simple(
  'input',
  object({ ...settings, input: texts('message', 'user') }),
  object({ ...head, data: object({ object: structural, embedding: opaque }) }),
)

export const images: Reading = simple(
  'prompt',
  object({ ...settings, prompt: texts('message', 'user'), image: media, mask: media }),
  object({
    ...head,
    b64_json: encodedMedia('image'),
    partial_image_b64: encodedMedia('image'),
    data: object({ b64_json: encodedMedia('image'), revised_prompt: texts('message') }),
    background: structural,
    output_format: structural,
    quality: structural,
    size: structural,
  }),
)

/** Speech, transcriptions and translations. What is spoken is bytes; what is written is text. */
export const audio: Reading = {
  ...simple(
    'input',
    object({ ...settings, input: texts('message', 'user'), instructions: texts('message', 'system') }),
    object({ ...head, text: texts('message'), language: structural, task: structural }),
  ),
  event: object({
    ...head,
    delta: piece('message', 'text'),
    text: { ...texts('message'), whole: true },
    audio: encodedMedia('audio'),
    logprobs: { as: 'ignored' },
  }),
  closes: (tree) => (stringOf(tree, member(tree, root, 'type'))?.endsWith('.done') === true ? ['*'] : []),
}

export const moderations: Reading = simple(
  'input',
  object({ ...settings, input: moderated }),
  object({ ...head, results: structural }),
)

export const rerank: Reading = simple(
  'documents',
  object({ ...settings, query: texts('message', 'user'), documents: texts('message', 'user') }),
  object(head),
)

/** An operation of one request and one answer that tells model, id and usage in the usual places. */
function simple(input: string, request: Shape, answer: Shape): Reading {
  return {
    request,
    answer,
    event: answer,
    requestFacts: (tree, about) => simpleFacts(tree, about, input),
    note,
    closes: () => [],
  }
}

function simpleFacts(tree: JsonTree, about: About, input: string): RequestFacts {
  const given = member(tree, root, input)
  return {
    model: modelOf(tree, about.target.path),
    stream: isTrue(tree, member(tree, root, 'stream')),
    messages: kindOf(tree, given) === 'string' ? 1 : lengthOf(tree, given),
    tools: [],
  }
}

function note(notes: Notes, tree: JsonTree): void {
  noteWords(notes, tree, { model: member(tree, root, 'model'), id: member(tree, root, 'id') })
  const usage = member(tree, root, 'usage')
  if (kindOf(tree, usage) !== 'object') return
  notes.usage = member(tree, usage, 'input_tokens') < 0 ? openaiUsage(tree, usage) : responsesUsage(tree, usage)
}

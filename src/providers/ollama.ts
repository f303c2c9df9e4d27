import { defineProvider } from './define.ts'
import type { Dialect, Reading } from './dialect.ts'
import type { JsonTree } from './json-scan.ts'
import { isTrue, items, kindOf, lengthOf, member, none, numberOf, root, stringOf } from './json-tree.ts'
import { namesIn, noteCall, noteWords, word } from './notes.ts'
import type { Notes } from './notes.ts'
import { toolsShape } from './openai-chat.ts'
import { openaiDialect } from './openai.ts'
import type { Operation } from './provider.ts'
import { encodedMedia, object, piece, schema, structural, texts, toolArguments, toolName } from './shape.ts'

const calls = object({
  id: structural,
  type: structural,
  function: object({ name: toolName, arguments: toolArguments }),
})

const message = object(
  {
    role: structural,
    content: piece('message', 'content'),
    thinking: piece('reasoning', 'thinking'),
    images: encodedMedia('image'),
    tool_name: toolName,
    tool_calls: calls,
  },
  { roles: true },
)

const request = object({
  model: structural,
  messages: message,
  prompt: texts('message', 'user'),
  suffix: texts('message', 'user'),
  system: texts('message', 'system'),
  template: texts('message', 'system'),
  input: texts('message', 'user'),
  images: encodedMedia('image'),
  tools: toolsShape(),
  format: schema,
  keep_alive: structural,
})

const answer = object({
  model: structural,
  created_at: structural,
  total_duration: structural,
  load_duration: structural,
  prompt_eval_duration: structural,
  eval_duration: structural,
  done_reason: structural,
  message,
  response: piece('message', 'response', 'assistant'),
  thinking: piece('reasoning', 'thinking', 'assistant'),
})

const reading: Reading = {
  request,
  answer,
  event: answer,
  requestFacts: (tree) => ({
    model: word(tree, member(tree, root, 'model')) ?? null,
    // Streaming is the default of this API.
    stream:
      member(tree, root, 'stream') === none
        ? member(tree, root, 'input') === none
        : isTrue(tree, member(tree, root, 'stream')),
    messages:
      kindOf(tree, member(tree, root, 'messages')) === 'array' ? lengthOf(tree, member(tree, root, 'messages')) : 1,
    tools: namesIn(tree, member(tree, root, 'tools'), 'function', 'name'),
  }),
  note,
  closes: (tree) =>
    isTrue(tree, member(tree, root, 'done')) || stringOf(tree, member(tree, root, 'error')) !== undefined ? ['*'] : [],
}

/** Ollama's own API: lines of JSON. */
const ollamaDialect: Dialect = {
  name: 'ollama',
  operation: (path) => operations[path],
  readings: { chat: reading, completions: reading, embeddings: reading },
  refuse: (refusal) => ({ contentType: 'application/json', body: JSON.stringify({ error: refusal.message }) }),
  refuseEvent: (refusal) => `${JSON.stringify({ error: refusal.message })}\n`,
}

export const ollama = defineProvider('ollama', ['ollama.com'], [ollamaDialect, openaiDialect])

export const ollamaPort = 11_434

const operations: Readonly<Record<string, Operation>> = {
  '/api/chat': 'chat',
  '/api/generate': 'completions',
  '/api/embed': 'embeddings',
  '/api/embeddings': 'embeddings',
}

function note(notes: Notes, tree: JsonTree): void {
  noteWords(notes, tree, { model: member(tree, root, 'model'), finish: member(tree, root, 'done_reason') })
  for (const call of items(tree, member(tree, root, 'message', 'tool_calls'))) {
    noteCall(notes, word(tree, member(tree, call, 'function', 'name')))
  }
  const input = numberOf(tree, member(tree, root, 'prompt_eval_count'))
  const output = numberOf(tree, member(tree, root, 'eval_count'))
  if (input !== undefined) notes.usage = { ...notes.usage, input }
  if (output !== undefined) notes.usage = { ...notes.usage, output }
}

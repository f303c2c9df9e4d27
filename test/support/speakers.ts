import { compatible, generic, providers } from '../../src/providers/index.ts'
import type { About, Operation, Provider } from '../../src/providers/provider.ts'
import { awsChunk, awsEvent } from '../providers/samples/bedrock.ts'
import { aboutOf, sse } from '../providers/samples/sample.ts'

/** How one dialect says a text in pieces: the events of its stream. */
export type Speaker = {
  readonly provider: Provider
  readonly about: About
  /** The pieces of a text, as the model's message. */
  readonly text: (pieces: readonly string[]) => readonly Uint8Array[]
  /** The pieces of a tool's arguments; undefined where they come whole. */
  readonly args?: (pieces: readonly string[]) => readonly Uint8Array[]
  /** What ends the stream, when `text` did not. */
  readonly end?: readonly Uint8Array[]
}

type Spec = Pick<Speaker, 'text' | 'args' | 'end'> & {
  readonly provider: string
  readonly operation: Operation
  readonly path: string
  readonly type?: string
}

function named(name: string): Provider {
  const found = [...providers, generic, ...compatible].find((one) => one.name === name)
  if (found === undefined) throw new RangeError(`there is no provider ${name}`)
  return found
}

const events = (list: readonly unknown[], names = false): Uint8Array[] =>
  list.map((event) => Buffer.from(sse([event], names)))
const lines = (list: readonly unknown[]): Uint8Array[] => list.map((line) => Buffer.from(`${JSON.stringify(line)}\n`))

const choice = (delta: object, finish: string | null = null, index = 0): object => ({
  id: 'c1',
  choices: [{ index, delta, finish_reason: finish }],
})
const chatText = (pieces: readonly string[]): Uint8Array[] =>
  events([...pieces.map((content) => choice({ content })), choice({}, 'stop'), '[DONE]'])
const chatArgs = (pieces: readonly string[]): Uint8Array[] =>
  events([
    choice({ tool_calls: [{ index: 0, id: 't1', type: 'function', function: { name: 'look', arguments: '' } }] }),
    ...pieces.map((piece) => choice({ tool_calls: [{ index: 0, function: { arguments: piece } }] })),
    choice({}, 'tool_calls'),
    '[DONE]',
  ])

const at = { item_id: 'i1', output_index: 0, content_index: 0 }
const block = (delta: object): object => ({ type: 'content_block_delta', index: 0, delta })
const stop = { type: 'content_block_stop', index: 0 }
const stopped = { type: 'message_stop' }
const converse = (delta: object): Uint8Array => awsEvent('contentBlockDelta', { contentBlockIndex: 0, delta })
const converseEnd = [
  awsEvent('contentBlockStop', { contentBlockIndex: 0 }),
  awsEvent('messageStop', { stopReason: 'end_turn' }),
]
const cohereEvent = (type: string, message: object): object => ({ type, index: 0, delta: { message } })
const candidate = (text: string): object => ({
  candidates: [{ index: 0, content: { role: 'model', parts: [{ text }] } }],
})
const aws = 'application/vnd.amazon.eventstream'

const specs: Readonly<Record<string, Spec>> = {
  'OpenAI chat': {
    provider: 'openai',
    operation: 'chat',
    path: '/v1/chat/completions',
    text: chatText,
    args: chatArgs,
  },
  Mistral: { provider: 'mistral', operation: 'chat', path: '/v1/chat/completions', text: chatText, args: chatArgs },
  'OpenAI completions': {
    provider: 'openai',
    operation: 'completions',
    path: '/v1/completions',
    text: (pieces) =>
      events([...pieces.map((text) => ({ choices: [{ index: 0, text, finish_reason: null }] })), '[DONE]']),
  },
  'OpenAI responses': {
    provider: 'openai',
    operation: 'responses',
    path: '/v1/responses',
    text: (pieces) =>
      events(
        [
          ...pieces.map((delta) => ({ type: 'response.output_text.delta', ...at, delta })),
          { type: 'response.output_text.done', ...at, text: pieces.join('') },
          { type: 'response.completed', response: { id: 'r1', output: [] } },
        ],
        true,
      ),
    args: (pieces) =>
      events(
        [
          ...pieces.map((delta) => ({ type: 'response.function_call_arguments.delta', ...at, delta })),
          { type: 'response.function_call_arguments.done', ...at, arguments: pieces.join('') },
          { type: 'response.completed', response: { id: 'r1', output: [] } },
        ],
        true,
      ),
  },
  Anthropic: {
    provider: 'anthropic',
    operation: 'messages',
    path: '/v1/messages',
    text: (pieces) => events([...pieces.map((text) => block({ type: 'text_delta', text })), stop, stopped], true),
    args: (pieces) =>
      events([...pieces.map((partial_json) => block({ type: 'input_json_delta', partial_json })), stop, stopped], true),
  },
  Gemini: {
    provider: 'gemini',
    operation: 'generate',
    path: '/v1beta/models/g:streamGenerateContent',
    text: (pieces) => events(pieces.map(candidate)),
  },
  'Gemini as an array': {
    provider: 'gemini',
    operation: 'generate',
    path: '/v1beta/models/g:streamGenerateContent',
    type: 'application/json',
    text: (pieces) => [
      ...pieces.map((text, i) => Buffer.from(`${i === 0 ? '[' : ',\r\n'}${JSON.stringify(candidate(text))}`)),
      Buffer.from(']'),
    ],
  },
  'Bedrock ConverseStream': {
    provider: 'bedrock',
    operation: 'converse',
    path: '/model/m/converse-stream',
    type: aws,
    text: (pieces) => [...pieces.map((text) => converse({ text })), ...converseEnd],
    args: (pieces) => [...pieces.map((input) => converse({ toolUse: { input } })), ...converseEnd],
  },
  'Bedrock InvokeModel': {
    provider: 'bedrock',
    operation: 'invoke',
    path: '/model/m/invoke-with-response-stream',
    type: aws,
    text: (pieces) => [...pieces.map((text) => block({ type: 'text_delta', text })), stop, stopped].map(awsChunk),
    args: (pieces) =>
      [...pieces.map((partial_json) => block({ type: 'input_json_delta', partial_json })), stop, stopped].map(awsChunk),
  },
  Cohere: {
    provider: 'cohere',
    operation: 'chat',
    path: '/v2/chat',
    text: (pieces) =>
      events(
        [
          ...pieces.map((text) => cohereEvent('content-delta', { content: { text } })),
          { type: 'content-end', index: 0 },
          { type: 'message-end', delta: { finish_reason: 'COMPLETE' } },
        ],
        true,
      ),
    args: (pieces) =>
      events(
        [
          ...pieces.map((piece) => cohereEvent('tool-call-delta', { tool_calls: { function: { arguments: piece } } })),
          { type: 'tool-call-end', index: 0 },
          { type: 'message-end', delta: { finish_reason: 'TOOL_CALL' } },
        ],
        true,
      ),
  },
  Ollama: {
    provider: 'ollama',
    operation: 'chat',
    path: '/api/chat',
    type: 'application/x-ndjson',
    text: (pieces) =>
      lines([
        ...pieces.map((content) => ({ message: { role: 'assistant', content }, done: false })),
        { message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop' },
      ]),
  },
  'an unknown host': {
    provider: 'generic',
    operation: 'unknown',
    path: '/some/where',
    text: (pieces) => events(pieces.map((delta) => ({ delta }))),
  },
}

/** Every dialect that streams, by name. */
export const speakers: Readonly<Record<string, Speaker>> = Object.fromEntries(
  Object.entries(specs).map(([name, { provider, operation, path, type = 'text/event-stream', ...spoken }]) => [
    name,
    { provider: named(provider), about: aboutOf(operation, path, type), ...spoken },
  ]),
)

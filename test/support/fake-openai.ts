import type { FakeAnswer, Speech, SseEvent } from './fake-providers.ts'

type Json = Record<string, unknown>
type Speak = (last: string) => Speech

/** Chat completions, responses, completions, embeddings and models; undefined for other paths. */
export function openaiAnswer(path: string, request: Json, speak: Speak): FakeAnswer | undefined {
  const operation = /^\/(?:[\w.-]+\/)*?v1\/(chat\/completions|responses|completions|embeddings|models)$/.exec(path)?.[1]
  switch (operation) {
    case 'chat/completions':
      return chat(request, speak(lastText(request['messages'])))
    case 'responses':
      return responses(
        request,
        speak(typeof request['input'] === 'string' ? request['input'] : lastText(request['input'])),
      )
    case 'completions':
      return completions(request, speak([request['prompt']].flat().map(String).at(-1) ?? ''))
    case 'embeddings':
      return embeddings(request)
    case 'models':
      return {
        kind: 'json',
        body: { object: 'list', data: [{ id: 'gpt-5.1', object: 'model', created: 1, owned_by: 'fake' }] },
      }
    default:
      return undefined
  }
}

function chat(request: Json, speech: Speech): FakeAnswer {
  const tool = toolName(request)
  const head = { id: 'chatcmpl-fake1', created: 1_760_000_000, model: request['model'] ?? 'gpt-5.1' }
  if (request['stream'] === true) return chatStream(request, speech, tool, head)
  const call = { id: 'call_fake1', type: 'function', function: { name: tool, arguments: toolArguments(speech) } }
  const message =
    tool === undefined
      ? { role: 'assistant', content: speech.text, refusal: null }
      : { role: 'assistant', content: null, tool_calls: [call] }
  const choice = { index: 0, message, logprobs: null, finish_reason: tool === undefined ? 'stop' : 'tool_calls' }
  return {
    kind: 'json',
    headers: requestId,
    body: { ...head, object: 'chat.completion', choices: [choice], usage: chatUsage },
  }
}

function chatStream(request: Json, speech: Speech, tool: string | undefined, head: Json): FakeAnswer {
  const chunk = (delta: Json, finish: string | null = null): SseEvent => ({
    data: {
      ...head,
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    },
  })
  const deltas =
    tool === undefined
      ? [chunk({ role: 'assistant', content: '' }), ...speech.cut(speech.text).map((content) => chunk({ content }))]
      : [
          chunk({
            role: 'assistant',
            content: null,
            tool_calls: [{ index: 0, id: 'call_fake1', type: 'function', function: { name: tool, arguments: '' } }],
          }),
          ...speech
            .cut(toolArguments(speech))
            .map((piece) => chunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] })),
        ]
  const asked = (request['stream_options'] as Json | undefined)?.['include_usage'] === true
  const usage: SseEvent[] = asked
    ? [{ data: { ...head, object: 'chat.completion.chunk', choices: [], usage: chatUsage } }]
    : []
  const end = chunk({}, tool === undefined ? 'stop' : 'tool_calls')
  return { kind: 'sse', headers: requestId, events: [...deltas, end, ...usage, { data: '[DONE]' }] }
}

function responses(request: Json, speech: Speech): FakeAnswer {
  const tool = toolName(request)
  const base = {
    id: 'resp_fake1',
    object: 'response',
    created_at: 1_760_000_000,
    model: request['model'] ?? 'gpt-5.1',
    error: null,
    tools: request['tools'] ?? [],
  }
  const text = { type: 'output_text', text: speech.text, annotations: [] }
  const item =
    tool === undefined
      ? { id: 'msg_fake1', type: 'message', role: 'assistant', status: 'completed', content: [text] }
      : {
          id: 'fc_fake1',
          type: 'function_call',
          call_id: 'call_fake1',
          name: tool,
          arguments: toolArguments(speech),
          status: 'completed',
        }
  const done = { ...base, status: 'completed', output: [item], usage: responsesUsage }
  if (request['stream'] !== true) return { kind: 'json', headers: requestId, body: done }
  const begun = { ...base, status: 'in_progress', output: [], usage: null }
  const middle = tool === undefined ? textEvents(speech, text, item) : argumentEvents(speech, item)
  const steps: Json[] = [
    { type: 'response.created', response: begun },
    { type: 'response.in_progress', response: begun },
    ...middle,
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: done },
  ]
  return {
    kind: 'sse',
    headers: requestId,
    events: steps.map((data, i) => ({ event: String(data['type']), data: { ...data, sequence_number: i } })),
  }
}

function textEvents(speech: Speech, part: Json, item: Json): Json[] {
  const place = { item_id: 'msg_fake1', output_index: 0, content_index: 0 }
  return [
    { type: 'response.output_item.added', output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
    { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
    ...speech.cut(speech.text).map((delta) => ({ type: 'response.output_text.delta', ...place, delta })),
    { type: 'response.output_text.done', ...place, text: speech.text },
    { type: 'response.content_part.done', ...place, part },
  ]
}

function argumentEvents(speech: Speech, item: Json): Json[] {
  const place = { item_id: 'fc_fake1', output_index: 0 }
  return [
    { type: 'response.output_item.added', output_index: 0, item: { ...item, status: 'in_progress', arguments: '' } },
    ...speech
      .cut(toolArguments(speech))
      .map((delta) => ({ type: 'response.function_call_arguments.delta', ...place, delta })),
    { type: 'response.function_call_arguments.done', ...place, arguments: toolArguments(speech) },
  ]
}

function completions(request: Json, speech: Speech): FakeAnswer {
  const head = {
    id: 'cmpl-fake1',
    object: 'text_completion',
    created: 1_760_000_000,
    model: request['model'] ?? 'gpt-3.5-turbo-instruct',
  }
  const choice = (text: string, finish: string | null) => ({ text, index: 0, logprobs: null, finish_reason: finish })
  if (request['stream'] !== true)
    return { kind: 'json', body: { ...head, choices: [choice(speech.text, 'stop')], usage: chatUsage } }
  const deltas = speech.cut(speech.text).map((text) => ({ data: { ...head, choices: [choice(text, null)] } }))
  return { kind: 'sse', events: [...deltas, { data: { ...head, choices: [choice('', 'stop')] } }, { data: '[DONE]' }] }
}

function embeddings(request: Json): FakeAnswer {
  const inputs = [request['input']].flat()
  const vector = [0.5, -0.25, 0.125]
  const embedding =
    request['encoding_format'] === 'base64' ? Buffer.from(Float32Array.from(vector).buffer).toString('base64') : vector
  const data = inputs.map((_, index) => ({ object: 'embedding', index, embedding }))
  return {
    kind: 'json',
    body: { object: 'list', data, model: request['model'], usage: { prompt_tokens: 20, total_tokens: 20 } },
  }
}

/** The last text of the last message that a user wrote. */
export function lastText(messages: unknown): string {
  const list = Array.isArray(messages) ? (messages as Json[]) : []
  const content = list.findLast((message) => message['role'] === 'user')?.['content']
  if (typeof content === 'string') return content
  const parts = Array.isArray(content) ? (content as Json[]) : []
  return (parts.findLast((part) => typeof part['text'] === 'string')?.['text'] as string | undefined) ?? ''
}

function toolName(request: Json): string | undefined {
  const [tool] = Array.isArray(request['tools']) ? (request['tools'] as Json[]) : []
  const named = (tool?.['function'] as Json | undefined) ?? tool
  return named?.['name'] as string | undefined
}

const toolArguments = (speech: Speech) => JSON.stringify({ text: speech.text })

const requestId = { 'x-request-id': 'req_fake_openai' }

const chatUsage = {
  prompt_tokens: 20,
  completion_tokens: 9,
  total_tokens: 29,
  prompt_tokens_details: { cached_tokens: 4 },
  completion_tokens_details: { reasoning_tokens: 2 },
}

const responsesUsage = {
  input_tokens: 20,
  input_tokens_details: { cached_tokens: 4 },
  output_tokens: 9,
  output_tokens_details: { reasoning_tokens: 2 },
  total_tokens: 29,
}

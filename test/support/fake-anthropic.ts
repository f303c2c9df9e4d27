import { lastText } from './fake-openai.ts'
import type { FakeAnswer, Speech, SseEvent } from './fake-providers.ts'

type Json = Record<string, unknown>

/** Messages and count_tokens; undefined for other paths. Thinks aloud first when thinking is asked for. */
export function anthropicAnswer(path: string, request: Json, speak: (last: string) => Speech): FakeAnswer | undefined {
  if (path.endsWith('/v1/messages/count_tokens')) return { kind: 'json', body: { input_tokens: 20 } }
  if (!path.endsWith('/v1/messages')) return undefined
  const speech = speak(lastText(request['messages']))
  const blocks = contentBlocks(request, speech)
  const stop = blocks.some((block) => block['type'] === 'tool_use') ? 'tool_use' : 'end_turn'
  const head = { id: 'msg_fake1', type: 'message', role: 'assistant', model: request['model'] ?? 'claude-sonnet-5-5' }
  const headers = { 'request-id': 'req_fake_anthropic' }
  if (request['stream'] !== true) {
    return { kind: 'json', headers, body: { ...head, content: blocks, stop_reason: stop, stop_sequence: null, usage } }
  }
  const begun = { ...head, content: [], stop_reason: null, stop_sequence: null, usage: { ...usage, output_tokens: 1 } }
  const events: Json[] = [
    { type: 'message_start', message: begun },
    { type: 'ping' },
    ...blocks.flatMap((block, index) => blockEvents(block, index, speech)),
    {
      type: 'message_delta',
      delta: { stop_reason: stop, stop_sequence: null },
      usage: { output_tokens: usage.output_tokens },
    },
    { type: 'message_stop' },
  ]
  return { kind: 'sse', headers, events: events.map((data): SseEvent => ({ event: String(data['type']), data })) }
}

function contentBlocks(request: Json, speech: Speech): Json[] {
  const [tool] = Array.isArray(request['tools']) ? (request['tools'] as Json[]) : []
  const thinking = (request['thinking'] as Json | undefined)?.['type'] === 'enabled'
  return [
    ...(thinking ? [{ type: 'thinking', thinking: `They say: ${speech.text}`, signature: 'c2lnbmF0dXJl' }] : []),
    tool === undefined
      ? { type: 'text', text: speech.text }
      : { type: 'tool_use', id: 'toolu_fake1', name: tool['name'], input: { text: speech.text } },
  ]
}

function blockEvents(block: Json, index: number, speech: Speech): Json[] {
  const delta = (some: Json) => ({ type: 'content_block_delta', index, delta: some })
  const start = (content_block: Json) => ({ type: 'content_block_start', index, content_block })
  const stop = { type: 'content_block_stop', index }
  switch (block['type']) {
    case 'thinking':
      return [
        start({ type: 'thinking', thinking: '', signature: '' }),
        ...speech.cut(String(block['thinking'])).map((thinking) => delta({ type: 'thinking_delta', thinking })),
        delta({ type: 'signature_delta', signature: block['signature'] }),
        stop,
      ]
    case 'tool_use':
      return [
        start({ ...block, input: {} }),
        delta({ type: 'input_json_delta', partial_json: '' }),
        ...speech
          .cut(JSON.stringify(block['input']))
          .map((partial_json) => delta({ type: 'input_json_delta', partial_json })),
        stop,
      ]
    default:
      return [
        start({ type: 'text', text: '' }),
        ...speech.cut(String(block['text'])).map((text) => delta({ type: 'text_delta', text })),
        stop,
      ]
  }
}

const usage = {
  input_tokens: 16,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 4,
  output_tokens: 9,
  service_tier: 'standard',
}

import { sse } from './sample.ts'
import type { Sample } from './sample.ts'

export const messages: Sample = {
  operation: 'messages',
  path: '/v1/messages',
  request: JSON.stringify({
    model: 'claude-sonnet-4-5',
    system: [{ type: 'text', text: '«be brief»', cache_control: { type: 'ephemeral' } }],
    messages: [
      { role: 'user', content: '«hi»' },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: '«hm»', signature: 'EqQBCkYIBxgCKkA=' },
          { type: 'redacted_thinking', data: 'EvAFCoYBGAIiQL7a=' },
          { type: 'tool_use', id: 'toolu_1', name: 'read', input: { '«path»': ['«/tmp/é»', 1.0] } },
        ],
      },
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 'toolu_1',
            content: [
              { type: 'text', text: '«content»' },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } },
            ],
          },
          { type: 'document', title: '«a.txt»', source: { type: 'text', media_type: 'text/plain', data: '«body»' } },
        ],
      },
    ],
    tools: [
      {
        name: 'read',
        description: '«reads»',
        input_schema: { type: 'object', properties: { path: { type: 'string', enum: ['«x»'] } } },
      },
    ],
    metadata: { user_id: '«u-1»' },
    unknown_field: { deep: ['«new»'] },
  }),
  answer: JSON.stringify({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-5',
    content: [
      { type: 'text', text: '«hello»' },
      { type: 'tool_use', id: 'toolu_1', name: 'read', input: { '«a»': '«b»' } },
    ],
    stop_reason: 'tool_use',
    usage: { input_tokens: 10, cache_read_input_tokens: 900, cache_creation_input_tokens: 90, output_tokens: 5 },
  }),
  stream: {
    contentType: 'text/event-stream; charset=utf-8',
    text: sse(
      [
        {
          type: 'message_start',
          message: {
            id: 'msg_1',
            type: 'message',
            role: 'assistant',
            model: 'claude-sonnet-4-5',
            content: [],
            stop_reason: null,
            usage: { input_tokens: 10, cache_read_input_tokens: 900, output_tokens: 1 },
          },
        },
        { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'EqQBCkYIBxgC' } },
        { type: 'content_block_stop', index: 0 },
        { type: 'ping' },
        { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
        { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Hel' } },
        { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'lo é' } },
        { type: 'content_block_stop', index: 1 },
        {
          type: 'content_block_start',
          index: 2,
          content_block: { type: 'tool_use', id: 'toolu_1', name: 'read', input: {} },
        },
        { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"path": "a' } },
        { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '\\n"}' } },
        { type: 'content_block_stop', index: 2 },
        {
          type: 'message_delta',
          delta: { stop_reason: 'tool_use', stop_sequence: null },
          usage: { output_tokens: 250 },
        },
        { type: 'message_stop' },
      ],
      true,
    ),
    facts: {
      model: 'claude-sonnet-4-5',
      usage: { input: 10, cachedInput: 900, output: 250 },
      finishReason: 'tool_use',
      upstreamId: 'msg_1',
      toolCalls: ['read'],
    },
  },
}

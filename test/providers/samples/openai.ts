import { sse } from './sample.ts'
import type { Sample } from './sample.ts'

const chatChunk = (delta: unknown, more: object = {}, finish: string | null = null): object => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  model: 'gpt-5.1-mini',
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  ...more,
})

const call = (index: number, args: string, name?: string): object => ({
  index,
  ...(name === undefined ? {} : { id: `call_${index}`, type: 'function' }),
  function: { ...(name === undefined ? {} : { name }), arguments: args },
})

export const chat: Sample = {
  operation: 'chat',
  path: '/v1/chat/completions',
  request: JSON.stringify({
    model: 'gpt-5.1-mini',
    stream: true,
    messages: [
      { role: 'developer', content: '«be brief»' },
      {
        role: 'user',
        name: '«ann»',
        content: [
          { type: 'text', text: '«look: "é" 😀»' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          {
            id: 'call_0',
            type: 'function',
            function: { name: 'read', arguments: '{"«path»":"«/tmp/\\"a\\"»","n":1.0}' },
          },
        ],
      },
      { role: 'tool', tool_call_id: 'call_0', content: '«line\none»' },
    ],
    tools: [
      {
        type: 'function',
        function: {
          name: 'read',
          description: '«reads»',
          parameters: { type: 'object', properties: { path: { type: 'string', description: '«where»' } } },
        },
      },
    ],
    user: '«u-1»',
    unknown_field: { deep: ['«new»'] },
  }),
  answer: JSON.stringify({
    id: 'chatcmpl-1',
    model: 'gpt-5.1-mini',
    choices: [
      {
        index: 0,
        finish_reason: 'stop',
        message: { role: 'assistant', content: '«hello»', reasoning_content: '«hm»' },
      },
    ],
    usage: {
      prompt_tokens: 100,
      completion_tokens: 30,
      prompt_tokens_details: { cached_tokens: 64 },
      completion_tokens_details: { reasoning_tokens: 12 },
    },
  }),
  stream: {
    contentType: 'text/event-stream; charset=utf-8',
    text: `: ready\n\n${sse([
      chatChunk({ role: 'assistant', content: '' }),
      chatChunk({ reasoning_content: 'thinking é' }),
      chatChunk({ content: 'Hel' }),
      chatChunk({ content: 'lo "😀"' }),
      chatChunk({ tool_calls: [call(0, '', 'read')] }),
      chatChunk({ tool_calls: [call(1, '', 'write')] }),
      chatChunk({ tool_calls: [call(0, '{"a"'), call(1, '{')] }),
      chatChunk({ tool_calls: [call(0, ':"b"}'), call(1, '}', 'write')] }),
      chatChunk({}, {}, 'tool_calls'),
      { ...chatChunk({}), choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } },
      '[DONE]',
    ])}`,
    facts: {
      model: 'gpt-5.1-mini',
      usage: { input: 10, output: 5 },
      finishReason: 'tool_calls',
      upstreamId: 'chatcmpl-1',
      toolCalls: ['read', 'write'],
    },
  },
}

const response = (status: string, output: unknown[], usage: unknown = null): object => ({
  id: 'resp_1',
  object: 'response',
  status,
  model: 'gpt-5.1',
  instructions: '«be brief»',
  output,
  usage,
})

const responseOutput = [
  {
    type: 'reasoning',
    id: 'rs_1',
    summary: [{ type: 'summary_text', text: '«why»' }],
    encrypted_content: 'gAAAAABo0123abc=',
  },
  {
    type: 'message',
    id: 'msg_1',
    status: 'completed',
    role: 'assistant',
    content: [{ type: 'output_text', text: '«Hello»', annotations: [] }],
  },
  { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'read', arguments: '{"«path»":"«a»"}' },
]

const responseUsage = {
  input_tokens: 50,
  input_tokens_details: { cached_tokens: 40 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 8 },
}

export const responses: Sample = {
  operation: 'responses',
  path: '/v1/responses',
  request: JSON.stringify({
    model: 'gpt-5.1',
    instructions: '«be brief»',
    input: [
      {
        role: 'user',
        content: [
          { type: 'input_text', text: '«hi»' },
          { type: 'input_file', filename: '«a.pdf»', file_data: 'data:application/pdf;base64,JVBERi0=' },
        ],
      },
      ...responseOutput,
      { type: 'function_call_output', call_id: 'call_1', output: '«done»' },
    ],
    tools: [{ type: 'function', name: 'read', description: '«reads»', parameters: { type: 'object' } }],
    unknown_field: '«new text»',
  }),
  answer: JSON.stringify(response('completed', responseOutput, responseUsage)),
  stream: {
    contentType: 'text/event-stream',
    text: sse(
      [
        { type: 'response.created', sequence_number: 0, response: response('in_progress', []) },
        {
          type: 'response.output_item.added',
          output_index: 0,
          item: { type: 'message', id: 'msg_1', role: 'assistant', content: [] },
        },
        { type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: 'Hel' },
        { type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: 'lo é' },
        { type: 'response.output_text.done', item_id: 'msg_1', output_index: 0, content_index: 0, text: 'Hello é' },
        {
          type: 'response.output_item.added',
          output_index: 1,
          item: { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'read', arguments: '' },
        },
        { type: 'response.function_call_arguments.delta', item_id: 'fc_1', output_index: 1, delta: '{"path":' },
        { type: 'response.function_call_arguments.delta', item_id: 'fc_1', output_index: 1, delta: '"a"}' },
        { type: 'response.function_call_arguments.done', item_id: 'fc_1', output_index: 1, arguments: '{"path":"a"}' },
        {
          type: 'response.completed',
          sequence_number: 9,
          response: response('completed', responseOutput, responseUsage),
        },
      ],
      true,
    ),
    facts: {
      model: 'gpt-5.1',
      usage: { input: 10, cachedInput: 40, output: 12, reasoning: 8 },
      finishReason: 'completed',
      upstreamId: 'resp_1',
      toolCalls: ['read'],
    },
  },
}

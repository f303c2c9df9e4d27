import { sse } from './sample.ts'
import type { Sample } from './sample.ts'

const tool = { id: 't1', type: 'function', function: { name: 'look', arguments: '{"q":"«é \\"x\\"»"}' } }

export const cohere: Sample = {
  operation: 'chat',
  path: '/v2/chat',
  request: JSON.stringify({
    model: 'command-a',
    messages: [
      { role: 'user', content: '«hi»' },
      { role: 'user', content: [{ type: 'text', text: '«there»' }] },
      { role: 'assistant', tool_plan: '«I look»', tool_calls: [tool] },
      { role: 'tool', tool_call_id: 't1', content: '«seen»' },
    ],
    documents: [{ id: '«a b»', data: { text: '«read»' } }],
    unknown_field: '«new»',
  }),
  answer: JSON.stringify({
    id: 'c1',
    finish_reason: 'TOOL_CALL',
    message: {
      role: 'assistant',
      tool_plan: '«I look»',
      tool_calls: [tool],
      content: [
        { type: 'thinking', thinking: '«hm»' },
        { type: 'text', text: '«hello»' },
      ],
    },
    usage: { billed_units: { input_tokens: 1, output_tokens: 1 }, tokens: { input_tokens: 11, output_tokens: 3 } },
  }),
  stream: {
    contentType: 'text/event-stream',
    text: sse(
      [
        { type: 'message-start', id: 'c1', delta: { message: { role: 'assistant', content: [], tool_plan: '' } } },
        { type: 'tool-plan-delta', delta: { message: { tool_plan: 'I lo' } } },
        { type: 'tool-plan-delta', delta: { message: { tool_plan: 'ok' } } },
        { type: 'content-start', index: 0, delta: { message: { content: { type: 'text', text: '' } } } },
        { type: 'content-delta', index: 0, delta: { message: { content: { text: 'Hel' } } } },
        { type: 'content-delta', index: 0, delta: { message: { content: { text: 'lo é' } } } },
        { type: 'content-end', index: 0 },
        {
          type: 'tool-call-start',
          index: 0,
          delta: { message: { tool_calls: { ...tool, function: { name: 'look', arguments: '' } } } },
        },
        {
          type: 'tool-call-delta',
          index: 0,
          delta: { message: { tool_calls: { function: { arguments: '{"q":"\\u00' } } } },
        },
        { type: 'tool-call-delta', index: 0, delta: { message: { tool_calls: { function: { arguments: 'e9"}' } } } } },
        { type: 'tool-call-end', index: 0 },
        {
          type: 'message-end',
          delta: { finish_reason: 'TOOL_CALL', usage: { tokens: { input_tokens: 11, output_tokens: 3 } } },
        },
      ],
      true,
    ),
    facts: {
      model: null,
      usage: { input: 11, output: 3 },
      finishReason: 'TOOL_CALL',
      upstreamId: 'c1',
      toolCalls: ['look'],
    },
  },
}

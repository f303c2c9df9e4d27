import type { Sample } from './sample.ts'

const lines = (values: readonly unknown[]): string => values.map((value) => `${JSON.stringify(value)}\n`).join('')

export const ollama: Sample = {
  operation: 'chat',
  path: '/api/chat',
  request: JSON.stringify({
    model: 'qwen3',
    messages: [{ role: 'user', content: '«hi»', images: ['iVBORw0KGgo='] }],
    tools: [],
    unknown_field: '«new text»',
  }),
  answer: JSON.stringify({
    model: 'qwen3',
    message: { role: 'assistant', content: '«hello»' },
    done: true,
    done_reason: 'stop',
  }),
  stream: {
    contentType: 'application/x-ndjson',
    text: lines([
      { model: 'qwen3', message: { role: 'assistant', content: 'Hel' }, done: false },
      { model: 'qwen3', message: { role: 'assistant', content: 'lo é' }, done: false },
      {
        model: 'qwen3',
        message: { role: 'assistant', content: '' },
        done: true,
        done_reason: 'stop',
        prompt_eval_count: 11,
        eval_count: 3,
      },
    ]),
    facts: { model: 'qwen3', usage: { input: 11, output: 3 }, finishReason: 'stop', upstreamId: null, toolCalls: [] },
  },
}

export const unknown: Sample = {
  operation: 'unknown',
  path: '/some/where',
  request: JSON.stringify({ a: '«one»', b: [{ c: '«two»' }, 1.0], unknown_field: '«new»' }),
  answer: JSON.stringify(['«one»', { two: '«two»' }]),
  stream: {
    contentType: 'text/event-stream',
    text: 'event: add\ndata: {"delta":"Hel"}\n\ndata: plain\ndata: text\n\ndata: {"delta":\ndata: "lo é"}\n\n',
    facts: { model: null, usage: {}, finishReason: null, upstreamId: null, toolCalls: [] },
  },
}

import { writeMessage } from '../../../src/providers/event-stream.ts'
import { messages } from './anthropic.ts'
import type { Sample } from './sample.ts'

/** A message of Amazon's event stream. */
export function awsEvent(type: string, content: unknown): Uint8Array {
  const headers = { ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' }
  return writeMessage(headers, Buffer.from(JSON.stringify(content)))
}

/** The same with the document in base64, as InvokeModelWithResponseStream has it. */
export function awsChunk(content: unknown): Uint8Array {
  return awsEvent('chunk', { bytes: Buffer.from(JSON.stringify(content)).toString('base64'), p: 'abcd' })
}

const request = JSON.stringify({ messages: [{ role: '«user»', content: [{ text: '«hi»' }] }], unknown_field: '«new»' })

export const converse: Sample = {
  operation: 'converse',
  path: '/model/m/converse-stream',
  request,
  answer: JSON.stringify({
    output: {
      message: {
        role: 'assistant',
        content: [
          { reasoningContent: { reasoningText: { text: '«hm»', signature: 'c2ln' } } },
          { text: '«hello»' },
          { toolUse: { toolUseId: 't1', name: 'look', input: { q: '«é "x"»' } } },
        ],
      },
    },
    stopReason: 'tool_use',
    usage: { inputTokens: 11, outputTokens: 3, totalTokens: 14 },
  }),
  stream: {
    contentType: 'application/vnd.amazon.eventstream',
    text: '',
    bytes: Buffer.concat([
      awsEvent('messageStart', { role: 'assistant', p: 'ab' }),
      awsEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hel' }, p: 'abc' }),
      awsEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'lo é' } }),
      awsEvent('contentBlockStop', { contentBlockIndex: 0 }),
      awsEvent('contentBlockStart', { contentBlockIndex: 1, start: { toolUse: { toolUseId: 't1', name: 'look' } } }),
      awsEvent('contentBlockDelta', { contentBlockIndex: 1, delta: { toolUse: { input: '{"q":"\\u00' } } }),
      awsEvent('contentBlockDelta', { contentBlockIndex: 1, delta: { toolUse: { input: 'e9"}' } } }),
      awsEvent('contentBlockStop', { contentBlockIndex: 1 }),
      awsEvent('messageStop', { stopReason: 'tool_use' }),
      awsEvent('metadata', { usage: { inputTokens: 11, outputTokens: 3, cacheReadInputTokens: 2 } }),
    ]),
    facts: {
      model: null,
      usage: { input: 11, output: 3, cachedInput: 2 },
      finishReason: 'tool_use',
      upstreamId: null,
      toolCalls: ['look'],
    },
  },
}

/** Claude's own events in chunks. */
const chunks = messages.stream.text
  .split('\n')
  .filter((line) => line.startsWith('data: '))
  .map((line) => awsChunk(JSON.parse(line.slice(6))))

export const invoke: Sample = {
  operation: 'invoke',
  path: '/model/m/invoke-with-response-stream',
  request,
  answer: messages.answer,
  stream: {
    contentType: 'application/vnd.amazon.eventstream',
    text: '',
    bytes: Buffer.concat(chunks),
    facts: messages.stream.facts,
  },
}

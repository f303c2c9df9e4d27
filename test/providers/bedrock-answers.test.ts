import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bedrock } from '../../src/providers/bedrock.ts'
import { awsChunk, awsEvent } from './samples/bedrock.ts'
import { aboutOf } from './samples/sample.ts'

const type = 'application/vnd.amazon.eventstream'

function read(operation: 'converse' | 'invoke', messages: readonly Uint8Array[]) {
  const reader = bedrock.reader(aboutOf(operation, '/model/m/x-stream', type))
  const events = messages.flatMap((message) => reader?.push(message) ?? [])
  const parts = events.flatMap((event) => event.parts.map(({ channel, text }) => `${channel}: ${text}`))
  return { parts, ends: events.flatMap((event) => event.ends), facts: reader?.facts() }
}

test('reasoning is under a signature that comes last', () => {
  const delta = { contentBlockIndex: 0, delta: { reasoningContent: { text: 'hm' } } }
  const reader = bedrock.reader(aboutOf('converse', '/model/m/converse-stream', type))
  const [event] = reader?.push(awsEvent('contentBlockDelta', delta)) ?? []
  assert.deepEqual(
    event?.parts.map(({ text, sealed }) => [text, sealed]),
    [['hm', true]],
  )
})

test('blocks grow side by side and end alone', () => {
  const delta = (contentBlockIndex: number, text: string) =>
    awsEvent('contentBlockDelta', { contentBlockIndex, delta: { text } })
  const { parts, ends } = read('converse', [
    delta(0, 'a'),
    delta(1, 'b'),
    awsEvent('contentBlockStop', { contentBlockIndex: 0 }),
    awsEvent('messageStop', { stopReason: 'end_turn' }),
  ])
  assert.deepEqual(parts, ['block:0:text: a', 'block:1:text: b'])
  assert.deepEqual(ends, ['block:0:text', '*'])
})

test('each family of models has its own words for a growing text', () => {
  const cases = [
    [{ generation: 'Hel' }, { generation: 'lo', stop_reason: 'stop' }],
    [{ outputText: 'Hel' }, { outputText: 'lo', completionReason: 'FINISH' }],
    [
      { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'Hel' } } },
      { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'lo' } } },
    ],
    [{ outputs: [{ text: 'Hel' }] }, { outputs: [{ text: 'lo' }] }],
  ]
  for (const pair of cases) {
    const { parts } = read('invoke', pair.map(awsChunk))
    assert.equal(parts.map((part) => part.split(': ')[1]).join(''), 'Hello')
    assert.equal(new Set(parts.map((part) => part.split(': ')[0])).size, 1)
  }
})

test('the counts of the last chunk are the usage', () => {
  const metrics = { 'amazon-bedrock-invocationMetrics': { inputTokenCount: 7, outputTokenCount: 3 } }
  const { facts } = read('invoke', [awsChunk({ generation: 'x', stop_reason: 'stop', ...metrics })])
  assert.deepEqual(facts?.usage, { input: 7, output: 3 })
})

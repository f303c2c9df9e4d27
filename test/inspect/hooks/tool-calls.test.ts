import assert from 'node:assert/strict'
import test from 'node:test'
import { toolCalls } from '../../../src/inspect/hooks/tool-calls.ts'
import { inspectParts } from '../../../src/inspect/pipeline.ts'
import { found, own } from '../../support/hooks.ts'
import { bound, eventOf, facts, newVault, play, textPart } from '../../support/inspection.ts'

const command = 'rm -rf / --no-preserve-root'
const hook = toolCalls.create({}, own)

test('dangerous commands are found', () => {
  assert.deepEqual(
    found(hook, command).map(([type]) => type),
    ['TOOL_CALL:delete-root'],
  )
})

test('only what a tool is called with counts: talk of a command is no call', async () => {
  const parts = [textPart(command), textPart(command, { kind: 'tool-arguments', path: 'arguments' })]
  const { signal } = new AbortController()
  const how = { mode: 'enforce', vault: newVault(), now: process.hrtime.bigint, signal } as const
  const { decision, findings } = await inspectParts(
    [bound(hook, 'block')],
    { stage: 'response', parts, bodyBytes: 1, facts },
    how,
  )
  assert.equal(decision, 'block')
  assert.deepEqual(
    findings.map(({ type, place }) => [type, place]),
    [['TOOL_CALL:delete-root', 'arguments']],
  )
})

test('in a stream, too', () => {
  const said = (kind: 'message' | 'tool-arguments') => {
    const event = eventOf([{ channel: 'text', text: command }], ['*'])
    return play([bound(hook, 'redact')], [{ ...event, parts: event.parts.map((part) => ({ ...part, kind })) }])
  }
  assert.equal(said('message').wire['text'], command)
  assert.doesNotMatch(said('tool-arguments').wire['text'] ?? '', /rm -rf/)
})

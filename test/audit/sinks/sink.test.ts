import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchRefused, defineSink, SinkError, type SinkContext } from '../../../src/audit/sinks/sink.ts'

test('a sink is made by its own code, with its own options', () => {
  const made: unknown[] = []
  const type = defineSink<{ type: 'nowhere'; depth: number }>({
    type: 'nowhere',
    create: (options, context) => {
      made.push(options.depth, context.hostname)
      return { send: async () => [], close: async () => {} }
    },
  })
  const context: SinkContext = { hostname: 'gate', version: '1', now: () => 0 }
  const options = { type: 'nowhere', depth: 3 }
  type.create(options, context)
  assert.equal(type.type, 'nowhere')
  assert.deepEqual(made, [3, 'gate'])
})

test('what a sink throws says when to come back, and keeps its cause', () => {
  const cause = new Error('reset')
  const later = new SinkError('busy', { cause, retryAfterMs: 1_500 })
  assert.deepEqual([later.name, later.message, later.retryAfterMs, later.cause], ['SinkError', 'busy', 1_500, cause])
  assert.equal(new SinkError('down').retryAfterMs, undefined)
  assert.equal(new BatchRefused('too large').name, 'BatchRefused')
})

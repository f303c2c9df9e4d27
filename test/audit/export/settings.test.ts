import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSink } from '../../../src/audit/export/settings.ts'
import { defineSink } from '../../../src/audit/sinks/sink.ts'
import { scriptedSink } from '../../support/scripted-sink.ts'

test('a sink is made by its type, and a type that is not there is refused', () => {
  const sink = scriptedSink()
  const types = [defineSink<{ type: 'scripted' }>({ type: 'scripted', create: () => sink })]
  const context = { hostname: 'h', version: '0', now: Date.now }
  const settings = { name: 'a', include: ['events'] } as const
  assert.equal(createSink(types, { ...settings, type: 'scripted' }, context), sink)
  assert.throws(() => createSink(types, { ...settings, type: 'pigeon' }, context), { code: 'config_invalid' })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admit } from '../../src/engine/admit.ts'
import { startTrace } from '../../src/engine/trace.ts'
import { bytesOf, chatRequest, client, startEngine, wordRule } from '../support/engine.ts'

const engine = startEngine()

test('the row of a request is there before it is given to be forwarded, inspected or not', async () => {
  for (const proved of [false, true]) {
    const rooms = await engine.rooms(wordRule('redact'))
    const { exchange } = client({ body: chatRequest('bluebird') })
    const trace = startTrace(rooms, { ...exchange, attest: async () => ({ proved, record: '{}' }) })
    const request = await admit(rooms, trace)
    assert.equal((await engine.row(exchange.id))['state'], 'open')
    assert.equal(/bluebird/.test((await bytesOf(request.body)).toString()), proved)
    assert.equal(trace.decision, proved ? 'attested' : 'redact')
  }
})

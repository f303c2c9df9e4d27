import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runMessages } from '../../src/engine/messages.ts'
import { answerOf, client, startEngine, wordRule } from '../support/engine.ts'

const engine = startEngine()

test('the row of a handshake that is refused waits for the program behind it, and has an answer that nobody read', async () => {
  const rooms = await engine.rooms(`oversize: allow\n${wordRule('flag')}`, { store: 'full', inspectBytes: 10 })
  const looking = Promise.withResolvers<void>()
  let name: string | null = null
  const asker = { program: () => name, settled: () => (name === null ? looking.promise : undefined) }
  const { exchange, received } = client({ method: 'GET', path: '/v1/realtime', headers: ['Upgrade', 'websocket'] })
  const answer = answerOf('{"error":"no such model"}', ['content-type', 'application/json'], 404)
  const over = runMessages(
    rooms,
    { ...exchange, asker },
    async () => ({ kind: 'answered', answer }),
    () => assert.fail('nothing was upgraded'),
  )
  await over
  assert.ok(received() !== undefined)
  name = '/usr/bin/wscat'
  looking.resolve()
  await new Promise(setImmediate)
  assert.partialDeepStrictEqual(await engine.row(exchange.id), {
    status: 404,
    process: '/usr/bin/wscat',
    response_body: '{"error":"no such model"}',
  })
})

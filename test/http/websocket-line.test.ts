import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WaitingLine } from '../../src/http/websocket-line.ts'

test('what joins the line leaves in its order, each when it may', async () => {
  const line = new WaitingLine()
  const left: string[] = []
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  for (const [i, gate] of gates.entries())
    line.join(10, async () => {
      await gate.promise
      left.push(`message ${i}`)
    })
  gates[1]?.resolve()
  await Promise.resolve()
  assert.deepEqual([left, line.bytes, line.empty], [[], 20, false])
  gates[0]?.resolve()
  await line.left()
  assert.deepEqual([left, line.bytes, line.empty], [['message 0', 'message 1'], 0, true])
})

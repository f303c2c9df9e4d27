import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { relay } from '../../src/upstream/relay.ts'
import { pair } from '../support/pair.ts'
import { over, type RawClient } from '../support/raw-client.ts'

async function relayed(): Promise<{ client: RawClient; origin: RawClient; outcome: ReturnType<typeof relay> }> {
  const [left, right] = [await pair(), await pair()]
  const outcome = relay(left.far, right.near)
  return { client: over(left.near), origin: over(right.far), outcome }
}

test('bytes go both ways and are counted, and each side ends for itself', async () => {
  const { client, origin, outcome } = await relayed()
  client.send('question')
  client.end()
  assert.equal(await origin.rest(), 'question')
  origin.send('a long answer')
  origin.end()
  assert.equal(await client.rest(), 'a long answer')
  assert.deepEqual(await outcome, { up: 8, down: 13, error: null })
})

test('an origin that breaks takes the client with it', async () => {
  const { client, origin, outcome } = await relayed()
  client.send('x')
  await origin.until('x')
  origin.reset()
  await assert.rejects(client.until('never'))
  const { up, error } = await outcome
  assert.deepEqual([up, error], [1, 'ECONNRESET'])
})

test('a client that breaks takes the origin with it', async () => {
  const { client, origin, outcome } = await relayed()
  origin.send('x')
  await client.until('x')
  client.reset()
  await assert.rejects(origin.until('never'))
  assert.equal((await outcome).down, 1)
})

test('a side that has closed before the relay began takes the other with it', async () => {
  for (const gone of ['client', 'origin'] as const) {
    const [left, right] = [await pair(), await pair()]
    const [client, origin] = [left.far, right.near]
    const first = gone === 'client' ? client : origin
    const closed = once(first, 'close')
    first.destroy()
    await closed
    assert.deepEqual(await relay(client, origin), { up: 0, down: 0, error: null })
    assert.ok(client.destroyed && origin.destroyed)
    left.near.destroy()
    right.far.destroy()
  }
})

test('a side that does not read stops the other, and nothing is lost', async () => {
  const [left, right] = [await pair(), await pair()]
  const outcome = relay(left.far, right.near)
  const size = 64_000_000
  left.near.resume()
  left.near.write(Buffer.alloc(size, 'x'))
  for (let before = -1; left.far.bytesRead !== before; await new Promise((resolve) => void setTimeout(resolve, 50)))
    before = left.far.bytesRead
  assert.ok(left.far.bytesRead < size)
  let received = 0
  right.far.on('data', (chunk: Buffer) => (received += chunk.length)).on('end', () => right.far.end())
  right.far.resume()
  left.near.end()
  assert.deepEqual(await outcome, { up: size, down: 0, error: null })
  assert.equal(received, size)
})

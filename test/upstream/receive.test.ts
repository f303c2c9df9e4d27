import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { receive } from '../../src/upstream/receive.ts'
import type { RawClient } from '../support/raw-client.ts'
import { scriptedOrigin } from '../support/scripted-origin.ts'

const limits = { connectTimeoutMs: 5_000 }
const broken = (why: Error | 'end') => new Error(why === 'end' ? 'ended' : 'failed')
const line = (socket: Socket, how = limits) =>
  receive(
    socket,
    how,
    'no line',
    (bytes) => {
      const end = bytes.indexOf('\n')
      if (bytes.includes('!')) throw new RangeError('bad')
      return end === -1 ? { kind: 'more' } : { kind: 'done', value: bytes.toString('latin1', 0, end), length: end + 1 }
    },
    broken,
  )

async function to(script: (peer: RawClient) => unknown) {
  const origin = await scriptedOrigin(script)
  const socket = connect(origin.port, '127.0.0.1').on('error', () => undefined)
  await once(socket, 'connect')
  return { socket, [Symbol.asyncDispose]: async () => (socket.destroy(), origin.close()) }
}

test('what is wanted is taken, one piece after another, and the rest is there for the next reader', async () => {
  await using one = await to(async (peer) => {
    for (const character of 'first\nsecond\nrest') {
      peer.send(character)
      await new Promise((resolve) => setImmediate(resolve))
    }
    peer.end()
  })
  assert.equal(await line(one.socket), 'first')
  assert.equal(await line(one.socket), 'second')
  assert.equal(Buffer.concat(await Array.fromAsync(one.socket as AsyncIterable<Buffer>)).toString(), 'rest')
})

test('the next reader may listen for data', async () => {
  await using one = await to((peer) => peer.send('first\nrest'))
  assert.equal(await line(one.socket), 'first')
  const [chunk] = (await once(one.socket, 'data')) as [Buffer]
  assert.equal(chunk.toString(), 'rest')
})

test('what is not understood, ends, breaks, or never comes is told', async () => {
  await using bad = await to((peer) => peer.send('x!'))
  await assert.rejects(line(bad.socket), RangeError)
  await using ended = await to((peer) => (peer.send('x'), peer.end()))
  await assert.rejects(line(ended.socket), /ended/)
  await using reset = await to(async (peer) => (await peer.until(1), peer.reset()))
  reset.socket.write('x')
  await assert.rejects(line(reset.socket), /failed|ended/)
  await using silent = await to(() => undefined)
  await assert.rejects(line(silent.socket, { connectTimeoutMs: 20 }), { code: 'upstream_timeout' })
})

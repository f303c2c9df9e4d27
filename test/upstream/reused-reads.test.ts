import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { withReusedReads, type Taken } from '../../src/upstream/reused-reads.ts'
import { pair } from '../support/pair.ts'

function taken(socket: Duplex, take: (bytes: Uint8Array) => Taken): Socket {
  const next = withReusedReads(socket, take)
  assert.ok(next !== undefined)
  return next
}

test('bytes are read into few buffers, in order, small and large', async () => {
  const { near, far } = await pair()
  const buffers = new Set<ArrayBufferLike>()
  let text = ''
  const next = taken(far, (bytes) => {
    buffers.add(bytes.buffer)
    text += Buffer.from(bytes).toString('latin1')
    return { more: true, kept: false }
  })
  const sent = Array.from({ length: 30_000 }, (_, i) => `${i}\n`).join('')
  near.end(sent)
  next.resume()
  await once(next, 'end')
  assert.equal(text, sent)
  assert.ok(buffers.size <= 4, `${buffers.size} buffers`)
  next.destroy()
})

test('bytes that are kept are not written over', async () => {
  const { near, far } = await pair()
  const kept: Uint8Array[] = []
  const next = taken(far, (bytes) => {
    kept.push(bytes)
    return { more: true, kept: true }
  })
  next.resume()
  const sent = Array.from({ length: 200_000 }, (_, i) => String(i % 10)).join('')
  near.end(sent)
  await once(next, 'end')
  assert.equal(Buffer.concat(kept).toString('latin1'), sent)
  next.destroy()
})

test('who wants no more gets no more until asked', async () => {
  const { near, far } = await pair()
  const calls: string[] = []
  const next = taken(far, (bytes) => {
    calls.push(Buffer.from(bytes).toString())
    next.emit('taken')
    return { more: false, kept: false }
  })
  next.resume()
  const first = once(next, 'taken')
  near.write('first')
  await first
  near.write('second')
  await new Promise((resolve) => void setTimeout(resolve, 50))
  assert.deepEqual(calls, ['first'])
  const second = once(next, 'taken')
  next.resume()
  await second
  assert.deepEqual(calls, ['first', 'second'])
  near.destroy()
  next.destroy()
})

for (const [which, close] of [
  ['new', (next: Socket) => next.destroy()],
  ['old', (_: Socket, old: Socket) => old.destroy()],
  ['new, by a reset', (next: Socket) => next.resetAndDestroy()],
] as const) {
  test(`whichever of the two is closed, both are, once: the ${which}`, async () => {
    const { near, far } = await pair()
    const next = taken(far, () => ({ more: true, kept: false }))
    next.on('error', () => undefined)
    const ended = Promise.withResolvers<void>()
    near
      .on('error', () => undefined)
      .on('end', () => near.end())
      .on('close', () => ended.resolve())
      .resume()
    const closes = [0, 0]
    far.on('close', () => (closes[0]! += 1))
    next.on('close', () => (closes[1]! += 1))
    close(next, far)
    await ended.promise
    while (closes.includes(0)) await new Promise((resolve) => void setImmediate(resolve))
    assert.deepEqual(closes, [1, 1])
  })
}

test('what is written to the new one arrives, and its end is a half-close', async () => {
  const { near, far } = await pair()
  const next = taken(far, () => ({ more: true, kept: false }))
  next.end('an answer')
  let text = ''
  for await (const chunk of near) text += String(chunk)
  assert.equal(text, 'an answer')
  near.destroy()
  next.destroy()
})

test('a connection of which something is in hand, or that is none, stays as it is', async () => {
  const { near, far } = await pair()
  const take = (): Taken => ({ more: true, kept: false })
  far.unshift('put back')
  assert.equal(withReusedReads(far, take), undefined)
  far.read()
  near.cork()
  near.write('not out')
  assert.equal(withReusedReads(near, take), undefined)
  assert.equal(withReusedReads(Duplex.from([]), take), undefined)
  near.destroy()
  assert.equal(withReusedReads(near, take), undefined)
  far.destroy()
})

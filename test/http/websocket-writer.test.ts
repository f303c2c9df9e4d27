import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { Inflater } from '../../src/http/websocket-deflate.ts'
import { opcodes, readFrame } from '../../src/http/websocket-frame.ts'
import { FrameWriter } from '../../src/http/websocket-writer.ts'

const window = { bits: 15, takeover: true }
const { text } = opcodes

test('frames to an origin are masked, and those to a client are not', async () => {
  for (const way of ['up', 'down'] as const) {
    const to = new PassThrough()
    await new FrameWriter({ to, way, window: undefined, stopped: () => false }).frame(text, Buffer.from('hello'))
    const read = readFrame(to.read() as Buffer, 100)
    assert.ok(read.kind === 'frame')
    assert.deepEqual([read.frame.masked, read.frame.payload.toString()], [way === 'up', 'hello'])
  }
})

test('a message that came compressed is compressed, and all that follow it have to be', async () => {
  const to = new PassThrough()
  const writer = new FrameWriter({ to, way: 'down', window, stopped: () => false })
  await writer.message({ opcode: text, rsv1: false }, Buffer.from('plain'))
  assert.equal(writer.anew, false)
  to.read()
  await writer.message({ opcode: text, rsv1: true }, Buffer.from('packed'))
  assert.equal(writer.anew, true)
  const read = readFrame(to.read() as Buffer, 100)
  assert.ok(read.kind === 'frame' && read.frame.rsv1)
  const inflater = new Inflater(window)
  const content: Buffer[] = []
  for await (const piece of inflater.part(read.frame.payload, true)) content.push(piece)
  assert.equal(Buffer.concat(content).toString(), 'packed')
  inflater.close()
  writer.close()
})

test('nothing goes once it is stopped', async () => {
  const to = new PassThrough()
  await new FrameWriter({ to, way: 'up', window: undefined, stopped: () => true }).frame(text, Buffer.from('late'))
  assert.equal(to.read(), null)
})

import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { PassThrough, Writable } from 'node:stream'
import { test } from 'node:test'
import type { Body } from '../../src/core/http.ts'
import { madeBody } from '../../src/http/body.ts'
import { sendBody, writeTogether } from '../../src/upstream/send-body.ts'

const bytes = new WeakMap<object, Buffer[]>()
function wire(): Socket {
  const chunks: Buffer[] = []
  const writable = new Writable({ write: (chunk: Buffer, _encoding, done) => (chunks.push(chunk), done()) })
  bytes.set(writable, chunks)
  return writable as unknown as Socket
}
const written = (socket: Socket): string => Buffer.concat(bytes.get(socket) ?? []).toString('latin1')
const body = (pieces: readonly string[], length?: number, trailers: string[] = []): Body =>
  madeBody(
    (async function* () {
      for (const piece of pieces) yield Buffer.from(piece)
    })(),
    length,
    () => trailers,
  )

async function sent(
  given: Body,
  chunked: boolean,
  wanted = (): boolean => true,
): Promise<{ text: string; whole: boolean }> {
  const socket = wire()
  let whole = false
  await sendBody(given, socket, { chunked, wanted, turn: () => undefined, written: () => (whole = true) })
  return { text: written(socket), whole }
}

test('a body of known length goes as it is', async () => {
  assert.deepEqual(await sent(body(['ab', '', 'c'], 3), false), { text: 'abc', whole: true })
  assert.deepEqual(await sent(body([], 0), false), { text: '', whole: true })
})

test('a body of unknown length goes in chunks; an empty piece does not end it', async () => {
  assert.deepEqual(await sent(body(['ab', '', 'c']), true), { text: '2\r\nab\r\n1\r\nc\r\n0\r\n\r\n', whole: true })
  assert.deepEqual(await sent(body(['ab'], undefined, ['X', 'y']), true), {
    text: '2\r\nab\r\n0\r\nX: y\r\n\r\n',
    whole: true,
  })
})

test('what is not wanted any more is not sent, and not said to be', async () => {
  let asked = 0
  assert.deepEqual(await sent(body(['ab', 'cd']), true, () => ++asked < 2), { text: '2\r\nab\r\n', whole: false })
})

test('a length that is not kept is an error, and no byte too many leaves', async () => {
  const socket = wire()
  const writing = { chunked: false, wanted: () => true, turn: () => undefined, written: () => undefined }
  await assert.rejects(sendBody(body(['ab', 'cd'], 3), socket, writing), { code: 'internal_error' })
  assert.equal(written(socket), 'ab')
  await assert.rejects(sendBody(body(['ab'], 3), wire(), writing), { code: 'internal_error' })
})

test('a receiver that goes away ends the sending', async () => {
  const socket = new PassThrough({ highWaterMark: 1 }) as unknown as Socket
  const sending = sendBody(body(['abc', 'def'], 6), socket, {
    chunked: false,
    wanted: () => true,
    turn: () => undefined,
    written: () => undefined,
  })
  setImmediate(() => socket.destroy())
  await assert.rejects(sending)
})

test('a head and its body leave together, however large', () => {
  for (const size of [0, 10, 200_000]) {
    const socket = wire()
    writeTogether(socket, 'é\r\n\r\n', Buffer.alloc(size, 'x'))
    assert.equal(written(socket), `é\r\n\r\n${'x'.repeat(size)}`)
  }
})

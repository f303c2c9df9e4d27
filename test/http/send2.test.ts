import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { SallyportError } from '../../src/core/errors.ts'
import type { Answer, Body } from '../../src/core/http.ts'
import { bytesBody, madeBody } from '../../src/http/body.ts'
import { sendOnStream } from '../../src/http/send2.ts'
import { StreamReset } from '../../src/http/stream-reset.ts'

async function scene(body: Body | null, status = 200, stallMs = 10_000) {
  const answer: Answer = { head: { status, reason: '', headers: ['x-a', '1'], version: '1.1' }, body }
  const sent = Promise.withResolvers<unknown>()
  const server = createServer().listen(0, '127.0.0.1')
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => undefined)
    sendOnStream(stream, answer, stallMs).then(() => sent.resolve('sent'), sent.resolve)
  })
  await once(server, 'listening')
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return {
    client,
    sent: sent.promise,
    [Symbol.asyncDispose]: async () => {
      client.destroy()
      server.close()
    },
  }
}

async function* failing(cause: Error): AsyncGenerator<Uint8Array> {
  yield Buffer.from('ab')
  throw cause
}

test('an answer of megabytes at hand arrives whole', async () => {
  const bytes = Buffer.alloc(5_000_000, 'sallyport')
  await using one = await scene(bytesBody(bytes))
  const got = Buffer.concat(await Array.fromAsync(one.client.request() as AsyncIterable<Buffer>))
  assert.deepEqual([got.equals(bytes), await one.sent], [true, 'sent'])
})

test('answers that have no body send none', async () => {
  for (const [method, status] of [
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ] as const) {
    await using one = await scene(bytesBody(Buffer.from('never')), status)
    const stream = one.client.request({ ':method': method })
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
    assert.deepEqual(
      [headers[':status'], headers['x-a'], await Array.fromAsync(stream), await one.sent],
      [status, '1', [], 'sent'],
    )
  }
})

test('a body that breaks off resets its stream with the code of the other side', async () => {
  for (const [cause, code] of [
    [new SallyportError('upstream_closed', 'x', { cause: new StreamReset(11) }), 11],
    [new Error('x'), 2],
  ] as const) {
    await using one = await scene(madeBody(failing(cause), undefined))
    const stream = one.client.request()
    stream.on('error', () => undefined).resume()
    await new Promise((resolve) => stream.once('close', resolve))
    assert.deepEqual([stream.rstCode, await one.sent], [code, cause])
  }
})

test('a client that takes nothing is given up after a while', async () => {
  for (const size of [5_000_000, 60_000]) {
    await using one = await scene(bytesBody(Buffer.alloc(size)), 200, 50)
    // Its window is open for 100 bytes.
    one.client.settings({ initialWindowSize: 100 })
    await once(one.client, 'localSettings')
    const stream = one.client.request()
    stream.on('error', () => undefined)
    assert.equal(((await one.sent) as { code?: string }).code, 'client_aborted')
  }
})

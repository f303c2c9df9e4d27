import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { SallyportError } from '../../src/core/errors.ts'
import { endsOnlyWhole, nameOf, resetCode, StreamReset } from '../../src/http/stream-reset.ts'
import { data, headers, preface, reset, settings } from '../support/http2-frames.ts'
import { rawClient } from '../support/raw-client.ts'

const request = headers(1, [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':authority', 'a.test'],
  [':path', '/'],
])

test('a stream that is reset before END_STREAM fails, one that ended first does not', async () => {
  for (const [frames, whole] of [
    [[data(1, 'abc'), reset(1, 0)], false],
    [[data(1, 'abc'), reset(1, 8)], false],
    [[data(1, 'abc', true)], true],
    [[data(1, 'abc', true), reset(1, 0)], true],
  ] as const) {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = await rawClient((server.address() as AddressInfo).port)
    client.send(Buffer.concat([preface, settings(), request, ...frames]))
    const [stream] = (await once(server, 'stream')) as [ServerHttp2Stream]
    const coming = endsOnlyWhole(stream)
    stream.on('error', () => undefined)
    const text = stream.toArray().then((chunks) => chunks.join(''))
    if (whole) assert.equal(await text, 'abc')
    else await assert.rejects(text)
    assert.deepEqual([coming.whole(), coming.bytes()], [whole, 3])
    client.close()
    server.close()
  }
})

test('the code of a reset goes from one side to the other, and any other fault is an internal one', () => {
  const error = new SallyportError('upstream_closed', 'x', { cause: new StreamReset(8) })
  assert.deepEqual([resetCode(error), resetCode(new Error('x')), resetCode(new StreamReset(0))], [8, 2, 2])
  assert.deepEqual([nameOf(7), nameOf(99)], ['REFUSED_STREAM', 'code 99'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer, Body } from '../../src/core/http.ts'
import { madeBody } from '../../src/http/body.ts'
import { StreamReset } from '../../src/http/stream-reset.ts'
import { checks } from '../../src/upstream/checks.ts'
import { http2Session, sendHttp2 } from '../../src/upstream/http2.ts'
import { Unprocessed } from '../../src/upstream/http2-stream.ts'
import { testAuthority } from '../support/authority.ts'
import { data, goaway, reset, types } from '../support/http2-frames.ts'
import { answer, http2Origin, type Http2Connection } from '../support/http2-origin.ts'
import { loopbackConnector, requestTo, textOf, type Asked } from '../support/scripted-origin.ts'

const authority = testAuthority()

async function scene(
  script: (connection: Http2Connection) => unknown,
  times = { headersTimeoutMs: 10_000, idleTimeoutMs: 10_000 },
) {
  const origin = await http2Origin(authority, 'origin.test', script)
  const at = { scheme: 'https', host: 'origin.test', port: origin.port } as const
  const session = await http2Session(at, await loopbackConnector(authority.cert).http(at, ['h2']), () => undefined)
  const clock = (): number => performance.now()
  const informed: number[] = []
  const ask = (asked: Asked = {}, signal = new AbortController().signal): Promise<Answer> => {
    session.open += 1
    const request = requestTo(origin.port, { scheme: 'https', version: '2', ...asked })
    const sending = { signal, inform: (status: number) => void informed.push(status) }
    return sendHttp2(session, request, sending, { times, clock, checks: checks(10, clock) })
  }
  return {
    ask,
    informed,
    session,
    [Symbol.asyncDispose]: async () => {
      session.session.destroy()
      await origin[Symbol.asyncDispose]()
    },
  }
}

const endings: readonly (readonly [what: string, frames: (id: number) => Buffer, code: number])[] = [
  ['is reset', (id) => reset(id, 2), 2],
  ['is reset with NO_ERROR before its end', (id) => reset(id, 0), 0],
  ['is shorter than its Content-Length', (id) => data(id, '', true), 1],
  ['ends with a pseudo-header field in its trailers', (id) => answer(id, 200, [], true), 1],
]

test('an answer with all the bytes of its Content-Length is whole, also when it is reset with NO_ERROR before its end', async () => {
  await using one = await scene(async (connection) => {
    const id = await connection.request()
    connection.send(Buffer.concat([answer(id, 200, [['content-length', '3']]), data(id, 'abc'), reset(id, 0)]))
  })
  assert.equal(await textOf((await one.ask()).body), 'abc')
})

for (const [what, frames, code] of endings) {
  test(`an answer that ${what} is not taken for a whole one`, async () => {
    await using one = await scene(async (connection) => {
      const id = await connection.request()
      const fields = what.includes('shorter') ? ([['content-length', '10']] as const) : []
      connection.send(Buffer.concat([answer(id, 200, fields), data(id, 'abc'), frames(id)]))
    })
    const { body } = await one.ask()
    await assert.rejects(textOf(body), (error: Error) => {
      assert.equal((error as { code?: string }).code, 'upstream_closed')
      assert.ok(error.cause instanceof StreamReset)
      assert.equal(error.cause.code, code)
      return true
    })
  })
}

test('an answer that ends together with a reset is whole', async () => {
  await using one = await scene(async (connection) => {
    const id = await connection.request()
    connection.send(Buffer.concat([answer(id, 200), data(id, 'abc', true), reset(id, 0)]))
  })
  assert.equal(await textOf((await one.ask({ method: 'POST', body: slowBody().body })).body), 'abc')
})

for (const [what, last] of [
  ['ends', Buffer.alloc(0)],
  ['says GOAWAY and ends', goaway(1, 0)],
  ['says GOAWAY with an error and ends', goaway(1, 11)],
] as const)
  test(`an answer that has come is whole for a slow reader, also when the origin then ${what}`, async () => {
    await using one = await scene(async (connection) => {
      const id = await connection.request()
      const pieces = Array.from({ length: 40 }, () => data(id, Buffer.alloc(16_000, 'a')))
      connection.send(Buffer.concat([answer(id, 200), ...pieces, data(id, 'end', true), last]))
      connection.end()
    })
    const { body } = await one.ask()
    await new Promise((resolve) => one.session.session.once('close', resolve))
    const text = await textOf(body)
    assert.equal(text.length, 640_003)
    assert.ok(text.endsWith('end'))
  })

test('an answer before the end of its request comes whole, and the source of the request is left as it is', async () => {
  await using one = await scene(async (connection) => {
    const id = await connection.request()
    await connection.next()
    connection.send(Buffer.concat([answer(id, 413), data(id, 'too large', true), reset(id, 0)]))
  })
  const source = slowBody()
  const { head, body } = await one.ask({ method: 'POST', body: source.body })
  assert.deepEqual([head.status, await textOf(body)], [413, 'too large'])
  source.more()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(source.left(), false)
})

test('informational answers are told, as many as come', async () => {
  await using one = await scene(async (connection) => {
    const id = await connection.request()
    connection.send(Buffer.concat([answer(id, 102), answer(id, 103), answer(id, 103), answer(id, 204, [], true)]))
  })
  const { head, body } = await one.ask()
  assert.deepEqual([one.informed, head.status, body], [[102, 103, 103], 204, null])
})

const untaken: readonly (readonly [what: string, frames: (id: number) => Buffer, instead: string])[] = [
  ['REFUSED_STREAM', (id) => reset(id, 7), 'again'],
  ['GOAWAY that leaves it out', (id) => goaway(id - 2 > 0 ? id - 2 : 0, 0), 'again'],
  ['GOAWAY with an error that leaves it out', (id) => goaway(id - 2 > 0 ? id - 2 : 0, 11), 'again'],
  ['HTTP_1_1_REQUIRED', (id) => reset(id, 13), 'http1'],
]

for (const [what, frames, instead] of untaken) {
  test(`a request answered by ${what} was not worked on`, async () => {
    await using one = await scene(async (connection) => connection.send(frames(await connection.request())))
    await assert.rejects(one.ask(), (error) => error instanceof Unprocessed && error.instead === instead)
  })
}

test('what the origin has taken goes on after its GOAWAY, and nothing new is sent on the session', async () => {
  await using one = await scene(async (connection) => {
    const id = await connection.request()
    connection.send(Buffer.concat([goaway(id, 0), answer(id, 200), data(id, 'fine', true)]))
  })
  const { body } = await one.ask()
  await assert.rejects(one.ask(), (error) => error instanceof Unprocessed && error.instead === 'again')
  assert.equal(await textOf(body), 'fine')
})

test('a client that has gone before sends nothing, and one that goes later resets with CANCEL', async () => {
  const code = Promise.withResolvers<number | undefined>()
  await using one = await scene(async (connection) => {
    const id = await connection.request()
    connection.send(answer(id, 200))
    const frame = await connection.next()
    code.resolve(frame?.type === types.reset ? frame.payload.readUInt32BE() : undefined)
  })
  await assert.rejects(one.ask({}, AbortSignal.abort()), { code: 'client_aborted' })
  const gone = new AbortController()
  const { body } = await one.ask({}, gone.signal)
  gone.abort()
  await assert.rejects(textOf(body), { code: 'client_aborted' })
  assert.equal(await code.promise, 8)
  assert.equal(one.session.open, 0)
})

test('an origin that stops in the middle is given up after a while', async () => {
  await using one = await scene(
    async (connection) => {
      const id = await connection.request()
      connection.send(Buffer.concat([answer(id, 200), data(id, 'abc')]))
    },
    { headersTimeoutMs: 10_000, idleTimeoutMs: 50 },
  )
  await assert.rejects(textOf((await one.ask()).body), { code: 'upstream_timeout' })
})

test('an answer that nobody reads is given up after a while, and by whom is told', async () => {
  await using one = await scene(
    async (connection) => {
      const id = await connection.request()
      connection.send(
        Buffer.concat([answer(id, 200), ...Array.from({ length: 20 }, () => data(id, Buffer.alloc(16_000)))]),
      )
    },
    { headersTimeoutMs: 10_000, idleTimeoutMs: 50 },
  )
  const { body } = await one.ask()
  const iterator = body?.[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  await iterator.next()
  await new Promise((resolve) => setTimeout(resolve, 300))
  await assert.rejects(
    async () => {
      for (;;) if ((await iterator.next()).done === true) return
    },
    { code: 'client_aborted' },
  )
})

test('what is left of a request after its answer is not waited for without end', async () => {
  const code = Promise.withResolvers<number | undefined>()
  await using one = await scene(
    async (connection) => {
      const id = await connection.request()
      await connection.next()
      connection.send(Buffer.concat([answer(id, 413), data(id, 'too large', true)]))
      code.resolve((await connection.next())?.payload.readUInt32BE())
    },
    { headersTimeoutMs: 10_000, idleTimeoutMs: 100 },
  )
  const { body } = await one.ask({ method: 'POST', body: slowBody().body })
  assert.equal(await textOf(body), 'too large')
  assert.equal(await code.promise, 8)
})

/** A body of which a piece comes now and then. */
test('a body that is held back and that the origin refused to look at is still whole, and can be sent again', async () => {
  await using one = await scene(async (connection) => connection.send(reset(await connection.request(), 7)))
  const source = slowBody()
  await assert.rejects(one.ask({ method: 'POST', headers: ['Expect', '100-continue'], body: source.body }), (error) => {
    assert.ok(error instanceof Unprocessed)
    assert.deepEqual([error.instead, error.held], ['again', true])
    return true
  })
})

function slowBody(): { readonly body: Body; readonly more: () => void; readonly left: () => boolean } {
  let wake = (): void => undefined
  let left = false
  async function* pieces(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        yield Buffer.from('piece')
        await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      left = true
    }
  }
  return { body: madeBody(pieces(), undefined), more: () => wake(), left: () => left }
}

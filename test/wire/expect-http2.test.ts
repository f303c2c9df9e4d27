import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { testAuthority } from '../support/authority.ts'
import { data, types, type Frame } from '../support/http2-frames.ts'
import { answer, http2Origin, type Http2Connection, type Http2Origin } from '../support/http2-origin.ts'
import { startStage, type Stage } from '../support/stage.ts'

const authority = testAuthority()
const host = 'h2.test'
let stage: Stage
let origin: Http2Origin
/** What the origin does with a request, by the stream that it came on. */
let script: (connection: Http2Connection, id: number) => unknown = () => undefined

before(async () => {
  origin = await http2Origin(authority, host, async (connection) => {
    try {
      for (;;) {
        const id = await connection.request()
        await script(connection, id)
      }
    } catch {
      // It has ended.
    }
  })
  stage = await startStage((_seen, response) => void response.end(), {
    authority,
    hosts: ['other.test'],
    origins: { [`${host}:443`]: origin },
    policies: {
      'a.yaml': {
        intercept: [{ hosts: ['*'], action: 'inspect' }],
        rules: [{ name: 'keys', on: 'request', when: { path: ['/read*'] }, hook: 'secrets', action: 'redact' }],
      },
    },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await origin[Symbol.asyncDispose]()
})

type Got = { readonly continued: boolean; readonly status: number; readonly body: string }

/** Sends a head that expects 100, and the body once it is asked for. */
const clients: readonly (readonly [version: string, ask: (path: string) => Promise<Got>])[] = [
  [
    '1.1',
    async (path) => {
      const client = await stage.connect(host)
      client.send(
        `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nExpect: 100-continue\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n`,
      )
      const head = await client.until(' ').then(() => client.until(3))
      const continued = head === '100'
      if (!continued) {
        const [, length] = /content-length: (\d+)/i.exec(await client.until('\r\n\r\n')) ?? []
        const body = await client.until(Number(length))
        client.close()
        return { continued, status: Number(head), body }
      }
      await client.until('\r\n\r\n')
      client.send('hello')
      const { status, body } = await client.answer()
      client.close()
      return { continued, status, body }
    },
  ],
  [
    '2',
    async (path) => {
      const session = await stage.http2(host)
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        expect: '100-continue',
        'content-type': 'text/plain',
        'content-length': '5',
      })
      let continued = false
      stream.once('continue', () => {
        continued = true
        stream.end('hello')
      })
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
      const body = Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>)).toString()
      session.close()
      return { continued, status: Number(headers[':status']), body }
    },
  ],
]

const said = (id: number, status: number, text: string): Buffer =>
  Buffer.concat([answer(id, status, [['content-length', String(text.length)]]), data(id, text, true)])

/** What of the body came: all DATA up to the end of the request. */
async function upload({ next }: Http2Connection): Promise<string> {
  let text = ''
  for (let one = await next(); one !== undefined; one = await next()) {
    if (one.type !== types.data) continue
    text += one.payload.toString()
    if ((one.flags & 1) === 1) return text
  }
  return text
}

for (const [version, ask] of clients)
  for (const path of ['/read', '/passed'])
    for (const status of [413, 417])
      test(`HTTP/${version} client, ${path}: a ${status} instead of 100 is the answer, nothing is uploaded, the stream is reset`, async () => {
        const seen = Promise.withResolvers<Frame | undefined>()
        script = async (connection, id) => {
          connection.send(said(id, status, 'what'))
          seen.resolve(await connection.next())
        }
        assert.deepEqual(await ask(`${path}/${status}`), { continued: false, status, body: 'what' })
        const next = await seen.promise
        assert.equal(next?.type, types.reset)
      })

for (const [version, ask] of clients)
  for (const path of ['/read', '/passed']) {
    test(`HTTP/${version} client, ${path}: the body is sent when the origin says 100`, async () => {
      script = async (connection, id) => {
        connection.send(answer(id, 100))
        connection.send(said(id, 200, await upload(connection)))
      }
      assert.deepEqual(await ask(`${path}/says-100`), { continued: true, status: 200, body: 'hello' })
    })

    test(`HTTP/${version} client, ${path}: an origin that says nothing gets the body after a while`, async () => {
      script = async (connection, id) => connection.send(said(id, 200, await upload(connection)))
      assert.deepEqual(await ask(`${path}/silent`), { continued: true, status: 200, body: 'hello' })
    })
  }

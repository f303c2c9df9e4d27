import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { rawClient, type RawClient } from '../support/raw-client.ts'
import { scriptedOrigin, type ScriptedOrigin } from '../support/scripted-origin.ts'
import { startStage, type Stage } from '../support/stage.ts'

let stage: Stage
let origin: ScriptedOrigin
let script: (connection: RawClient) => unknown = () => undefined

before(async () => {
  origin = await scriptedOrigin((connection) => {
    connection.socket.on('error', () => undefined)
    return Promise.resolve(script(connection)).catch(() => undefined)
  })
  const plain = { address: `127.0.0.1:${origin.port}` }
  stage = await startStage(() => undefined, {
    hosts: ['unused.test'],
    origins: { 'read.test:80': plain, 'unread.test:80': plain },
    policies: {
      'a.yaml': {
        intercept: [
          { hosts: ['read.test'], action: 'inspect' },
          { hosts: ['*'], action: 'tunnel' },
        ],
      },
    },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await origin[Symbol.asyncDispose]()
})

/** Sends bytes in pieces that end where it is said, each in a turn of its own. */
async function inPieces(client: RawClient, bytes: string, ends: readonly number[]): Promise<void> {
  let from = 0
  for (const end of [...ends, bytes.length]) {
    if (end > from) client.send(bytes.slice(from, end))
    from = Math.max(from, end)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const requests: [framing: string, fields: string, body: string][] = [
  ['no body', '', ''],
  ['a length', 'Content-Type: text/plain\r\nContent-Length: 11\r\n', 'hello world'],
  [
    'chunks and trailers',
    'Content-Type: text/plain\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n',
    '5;a=b\r\nhello\r\n006\r\n world\r\n0\r\nX-Sum: 11\r\n\r\n',
  ],
]
const answers: [framing: string, text: string][] = [
  ['no body', 'HTTP/1.1 204 No Content\r\nConnection: close\r\nX-a: caf\xe9\r\n\r\n'],
  [
    'hints and a length',
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nthe end\r\n',
  ],
  [
    'chunks and trailers',
    'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: audio/wav\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nthe\r\n4;x\r\n end\r\n0\r\nX-Sum: 7\r\n\r\n',
  ],
  ['its connection', 'HTTP/1.0 200 OK\r\nContent-Type: audio/wav\r\n\r\nthe end'],
]

/** What client and origin see of one exchange; chunks are joined, because a hop may cut them anew. */
async function exchange(
  host: string,
  request: readonly [string, string],
  answer: string,
  cuts: readonly [readonly number[], readonly number[]],
): Promise<{ origin: string; client: string }> {
  const [fields, body] = request
  const seen = Promise.withResolvers<string>()
  script = async (connection) => {
    const head = await connection.until('\r\n\r\n')
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
    const rest = /^transfer-encoding/im.test(head)
      ? await connection.until(/(^|\r\n)0\r\n([^]+\r\n)?\r\n$/)
      : await connection.until(length)
    seen.resolve(head + joined(rest))
    await inPieces(connection, answer, cuts[1])
    connection.end()
  }
  const client = await rawClient(stage.sallyport.proxyPort)
  const method = body === '' ? 'GET' : 'POST'
  const head = `${method} http://${host}/cut HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nX-one: 1\r\n${fields}\r\n`
  await inPieces(client, head + body, cuts[0])
  const said = await client.rest()
  client.close()
  return { origin: await seen.promise, client: joined(said) }
}

function joined(text: string): string {
  return text.replaceAll(/(?<=\r\n|^)[0-9a-f]+(;[^\r]*)?\r\n([^\r]*)\r\n/g, '$2')
}

for (const host of ['read.test', 'unread.test']) {
  test(`${host}: however request and answer are cut and delayed, client and origin see the same`, async () => {
    for (const [requestFraming, fields, body] of requests) {
      for (const [answerFraming, answer] of answers) {
        const whole = await exchange(host, [fields, body], answer, [[], []])
        assert.match(whole.client, /HTTP\/1\.1 20[04] /)
        if (body !== '') assert.match(whole.origin, /hello world/)
        const cutsOf = (length: number) =>
          fc.uniqueArray(fc.integer({ min: 1, max: length }), { maxLength: 12 }).map((all) => all.sort((a, b) => a - b))
        await fc.assert(
          fc.asyncProperty(cutsOf(180 + body.length), cutsOf(answer.length), async (...cuts) => {
            const cut = await exchange(host, [fields, body], answer, cuts)
            assert.deepEqual(cut, whole, `${requestFraming}, ${answerFraming}`)
          }),
          { numRuns: 8 },
        )
      }
    }
  })

  test(`${host}: byte by byte, client and origin see the same`, async () => {
    const [, fields, body] = requests[2] as (typeof requests)[number]
    const [, answer] = answers[2] as (typeof answers)[number]
    const every = (length: number): number[] => Array.from({ length }, (_, i) => i + 1)
    const whole = await exchange(host, [fields, body], answer, [[], []])
    const cut = await exchange(host, [fields, body], answer, [every(300), every(answer.length)])
    assert.deepEqual(cut, whole)
  })
}

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RawClient } from '../support/raw-client.ts'
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
  stage = await startStage(() => undefined, {
    hosts: ['unused.test'],
    origins: { 'read.test:80': { address: `127.0.0.1:${origin.port}` } },
    policies: { 'a.yaml': { intercept: [{ hosts: ['read.test'], action: 'inspect' }] } },
    config: { upstream: { headersTimeoutMs: 1_500, idleTimeoutMs: 1_500 } },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await origin[Symbol.asyncDispose]()
})

const get = (path: string): string => `GET http://read.test${path} HTTP/1.1\r\nHost: read.test\r\n\r\n`

test('informational answers pass in order, before the answer, without the fields of the hop', async () => {
  script = async (connection) => {
    await connection.until('\r\n\r\n')
    connection.send('HTTP/1.1 102 Processing\r\n\r\n')
    for (const n of [1, 2, 3]) {
      connection.send(
        `HTTP/1.1 103 Early Hints\r\nLink: </${n}>\r\nAlt-Svc: h3=":443"\r\nConnection: x-a\r\nX-A: 1\r\n\r\n`,
      )
    }
    connection.send('HTTP/1.1 204 Done\r\nConnection: close\r\nAlt-Svc: h3=":443"\r\n\r\n')
  }
  const client = await stage.raw()
  client.send(get('/hints'))
  assert.equal(await client.until('\r\n\r\n'), 'HTTP/1.1 102 Processing\r\n\r\n')
  for (const n of [1, 2, 3]) {
    assert.equal(await client.until('\r\n\r\n'), `HTTP/1.1 103 Early Hints\r\nLink: </${n}>\r\n\r\n`)
  }
  const answer = await client.answer()
  assert.deepEqual([answer.status, answer.header('alt-svc')], [204, undefined])
  client.close()
})

const broken: [what: string, answer: string][] = [
  ['101 that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
  ['a bare CR', 'HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b=c\r\nContent-Length: 0\r\n\r\n'],
  ['a bare LF', 'HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: b=c\r\nContent-Length: 0\r\n\r\n'],
  ['a NUL', 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n'],
  ['no status line', 'ICY 200 OK\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
  ['two lengths that differ', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
  ['both framings', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n'],
  ['a length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na'],
  ['a chunk size that is none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n'],
  ['a folded line', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n'],
]

for (const [what, text] of broken) {
  test(`an answer with ${what} is 502, and nothing of it passes`, async () => {
    script = async (connection) => {
      await connection.until('\r\n\r\n')
      connection.send(text)
    }
    const client = await stage.raw()
    client.send(get('/broken'))
    const answer = await client.answer()
    assert.deepEqual([answer.status, answer.header('sallyport-error')], [502, 'upstream_invalid'])
    assert.equal(answer.header('set-cookie'), undefined)
    client.close()
  })
}

test('an answer is given all the time it takes, as long as each silence is short', async () => {
  script = async (connection) => {
    await connection.until('\r\n\r\n')
    for (let turn = 0; turn < 6; turn += 1) {
      await pause(300)
      connection.send('HTTP/1.1 102 Processing\r\n\r\n')
    }
    connection.send('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n\r\n')
    for (let turn = 0; turn < 6; turn += 1) {
      await pause(300)
      connection.send(`: still here ${turn}\n\n`)
    }
    connection.end()
  }
  const client = await stage.raw()
  client.send(get('/slow').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
  assert.match(await client.rest(), /still here 0[^]*still here 5[^]*0\r\n\r\n$/)
})

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { scriptedOrigin, type ScriptedOrigin } from '../support/scripted-origin.ts'
import { startStage, type Stage } from '../support/stage.ts'
import type { RawClient } from '../support/raw-client.ts'

const secret = 'AKIAZK3QXW5TN7RBJ2VD'
let stage: Stage
let origin: ScriptedOrigin
let script: (connection: RawClient, index: number) => unknown = () => undefined

before(async () => {
  origin = await scriptedOrigin((connection, index) => {
    connection.socket.on('error', () => undefined)
    return Promise.resolve(script(connection, index)).catch(() => undefined)
  })
  const plain = { address: `127.0.0.1:${origin.port}` }
  stage = await startStage((seen, response) => void response.end(seen.text()), {
    hosts: ['read.test'],
    origin: { alpn: ['http/1.1'] },
    origins: { 'read.test:80': plain, 'unread.test:80': plain },
    policies: {
      'a.yaml': {
        intercept: [
          { hosts: ['read.test'], action: 'inspect' },
          { hosts: ['*'], action: 'tunnel' },
        ],
        oversize: 'block',
        rules: [
          { name: 'never', on: 'request', when: { path: ['/blocked*'] }, hook: 'secrets', action: 'block' },
          {
            name: 'small',
            on: 'request',
            when: { path: ['/small*'] },
            hook: 'request-size',
            options: { maxBytes: 10 },
            action: 'block',
          },
          { name: 'keys', on: 'request', hook: 'secrets', action: 'redact' },
        ],
      },
    },
    config: { limits: { inspectBytes: 100_000 } },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await origin[Symbol.asyncDispose]()
})

const head = (host: string, path: string, body: string, more = 'Expect: 100-continue\r\n'): string =>
  `POST http://${host}${path} HTTP/1.1\r\nHost: ${host}\r\n${more}Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n`

for (const host of ['read.test', 'unread.test']) {
  test(`${host}: the body is sent when the origin says 100, on the same connection`, async () => {
    const heads: string[] = []
    script = async (connection) => {
      heads.push(await connection.until('\r\n\r\n'))
      connection.send('HTTP/1.1 100 Continue\r\n\r\n')
      const body = await connection.until('hello')
      connection.send(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    }
    const client = await stage.raw()
    client.send(head(host, '/says-100', 'hello'))
    assert.equal(await client.until('\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n')
    client.send('hello')
    const answer = await client.answer()
    assert.deepEqual([answer.status, answer.body], [200, 'hello'])
    assert.equal(heads.length, 1)
    assert.match(heads[0] ?? '', /^Expect: 100-continue\r$/m)
    client.close()
  })

  for (const status of [401, 413, 417, 200]) {
    test(`${host}: a ${status} instead of 100 reaches the client, and no body the origin`, async () => {
      const rest = Promise.withResolvers<string>()
      script = async (connection) => {
        await connection.until('\r\n\r\n')
        connection.send(`HTTP/1.1 ${status} Said\r\nX-Said: yes\r\nContent-Length: 4\r\n\r\nwhat`)
        rest.resolve(await connection.rest())
      }
      const client = await stage.raw()
      client.send(head(host, `/final-${status}`, 'hello'))
      const answer = await client.answer()
      assert.deepEqual([answer.status, answer.header('x-said'), answer.body], [status, 'yes', 'what'])
      assert.equal(answer.header('connection'), 'close')
      client.end()
      assert.equal(await rest.promise, '')
    })
  }

  test(`${host}: an origin that says nothing gets the body after a while`, async () => {
    script = async (connection) => {
      await connection.until('\r\n\r\n')
      await connection.until('hello')
      connection.send('HTTP/1.1 204 Done\r\nConnection: close\r\n\r\n')
    }
    const client = await stage.raw()
    client.send(head(host, '/silent', 'hello'))
    assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 100 /)
    client.send('hello')
    assert.equal((await client.answer()).status, 204)
    client.close()
  })

  test(`${host}: a client of HTTP/1.0 expects nothing`, async () => {
    const seen = Promise.withResolvers<string>()
    script = async (connection) => {
      seen.resolve(await connection.until('hello'))
      connection.send(
        'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 204 Done\r\nConnection: close\r\n\r\n',
      )
    }
    const client = await stage.raw()
    client.send(head(host, '/old', 'hello').replace('HTTP/1.1', 'HTTP/1.0') + 'hello')
    assert.equal((await client.answer()).status, 204)
    assert.doesNotMatch(await seen.promise, /expect/i)
    client.close()
  })

  test(`${host}: without a body, and with an expectation nobody knows, nobody waits`, async () => {
    for (const [field, body] of [
      ['Expect: 100-continue\r\n', ''],
      ['Expect: the-unexpected\r\n', 'hello'],
    ] as const) {
      const seen = Promise.withResolvers<string>()
      script = async (connection) => {
        seen.resolve(await connection.until(`\r\n\r\n${body}`))
        connection.send('HTTP/1.1 417 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      }
      const client = await stage.raw()
      client.send(head(host, '/nobody-waits', body, field) + body)
      assert.equal((await client.answer()).status, 417)
      assert.ok((await seen.promise).includes(field))
      client.close()
    }
  })
}

test('a body that policy changed goes anew, without the expectation, and the connection that waited is closed', async () => {
  const seen: string[] = []
  const waited = Promise.withResolvers<string>()
  script = async (connection) => {
    const first = await connection.until('\r\n\r\n')
    seen.push(first)
    if (/expect/i.test(first)) {
      connection.send('HTTP/1.1 100 Continue\r\n\r\n')
      return waited.resolve(await connection.rest())
    }
    seen.push(await connection.until(Number(/content-length: (\d+)/i.exec(first)?.[1])))
    connection.send('HTTP/1.1 204 Done\r\nConnection: close\r\n\r\n')
  }
  const client = await stage.raw()
  const body = `the key is ${secret}.`
  client.send(head('read.test', '/changed', body))
  await client.until('\r\n\r\n')
  client.send(body)
  assert.equal((await client.answer()).status, 204)
  client.close()
  assert.equal(await waited.promise, '')
  assert.equal(seen.length, 3)
  assert.doesNotMatch(seen[1] ?? '', /expect/i)
  assert.doesNotMatch(seen.join(''), new RegExp(secret))
  const row = await stage.exchange('/changed')
  assert.deepEqual([row['decision'], row['request_bytes'], row['status']], ['redact', body.length, 204])
  assert.match(String(row['request_body']), /the key is /)
  assert.doesNotMatch(String(row['request_body']), new RegExp(secret))
})

test('a body that policy blocks never leaves, and the row was there before the question', async () => {
  const asked = Promise.withResolvers<void>()
  const waited = Promise.withResolvers<string>()
  script = async (connection) => {
    await connection.until('\r\n\r\n')
    connection.send('HTTP/1.1 100 Continue\r\n\r\n')
    asked.resolve()
    waited.resolve(await connection.rest())
  }
  const client = await stage.raw()
  client.send(head('read.test', '/blocked-body', secret))
  await client.until('\r\n\r\n')
  await asked.promise
  const open = await stage.sallyport.rowsWhen('exchanges', (rows) =>
    rows.some((row) => row['path'] === '/blocked-body'),
  )
  assert.equal(open.find((row) => row['path'] === '/blocked-body')?.['state'], 'open')
  client.send(secret)
  assert.equal((await client.answer()).status, 403)
  assert.equal(await waited.promise, '')
  const row = await stage.exchange('/blocked-body')
  assert.deepEqual([row['decision'], row['state'], row['status']], ['block', 'done', 403])
  client.close()
})

const unasked: [what: string, path: string, length: number, status: number][] = [
  ['is forbidden by its length', '/small', 11, 403],
  ['is too large to be read', '/large', 100_001, 413],
]

for (const [what, path, length, status] of unasked) {
  test(`a request that ${what} is refused before its body and without a question`, async () => {
    const before = origin.connections()
    const client = await stage.raw()
    client.send(head('read.test', path, 'x'.repeat(length)))
    const answer = await client.answer()
    assert.deepEqual([answer.status, answer.header('connection')], [status, 'close'])
    assert.equal(origin.connections(), before)
    client.close()
  })
}

test('a chunked body with trailers that is held back arrives as it was sent', async () => {
  const seen = Promise.withResolvers<string>()
  script = async (connection) => {
    await connection.until('\r\n\r\n')
    connection.send('HTTP/1.1 100 Continue\r\n\r\n')
    seen.resolve(await connection.until('\r\n\r\n'))
    connection.send('HTTP/1.1 204 Done\r\nConnection: close\r\n\r\n')
  }
  const client = await stage.raw()
  client.send(
    'POST http://read.test/chunks HTTP/1.1\r\nHost: read.test\r\nExpect: 100-continue\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n',
  )
  await client.until('\r\n\r\n')
  client.send('5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n')
  assert.equal((await client.answer()).status, 204)
  assert.equal(await seen.promise, '5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n')
  client.close()
})

test('after a body that was asked for the connection of the client goes on', async () => {
  const client = await stage.connect('read.test')
  const asks = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: read.test\r\nExpect: 100-continue\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n`
  for (const path of ['/goes-1', '/goes-2']) {
    client.send(asks(path))
    assert.equal(await client.until('\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n')
    client.send('hello')
    const answer = await client.answer()
    assert.deepEqual([answer.status, answer.body, answer.header('connection')], [200, 'hello', 'keep-alive'])
  }
  client.close()
})

test('a client that goes away while it is waiting takes the connection that waits with it', async () => {
  const asked = Promise.withResolvers<void>()
  const gone = Promise.withResolvers<string>()
  script = async (connection) => {
    await connection.until('\r\n\r\n')
    asked.resolve()
    gone.resolve(await connection.rest())
  }
  const client = await stage.raw()
  client.send(head('read.test', '/leaves', 'hello'))
  await asked.promise
  client.reset()
  assert.equal(await gone.promise, '')
})

test('a client on HTTP/2 is told to go on, and then sends', async () => {
  const session = await stage.http2('read.test')
  const stream = session.request({
    ':method': 'POST',
    ':path': '/h2',
    expect: '100-continue',
    'content-type': 'text/plain',
    'content-length': '5',
  })
  await once(stream, 'continue')
  stream.end('hello')
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
  assert.equal(headers[':status'], 200)
  assert.equal(Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>)).toString(), 'hello')
  assert.equal(stage.origin.seen.at(-1)?.header('expect'), '100-continue')
  session.close()
})

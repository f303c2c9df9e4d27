import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { testAuthority } from '../support/authority.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import { freePorts } from '../support/free-ports.ts'
import { startStage, type Stage } from '../support/stage.ts'

const authority = testAuthority()
/** Without limits so short that a slow machine could run into them. */
let stage: Stage
/** For origins that never come to a handshake or an answer. */
let hasty: Stage
let others: Origin[]
let mute: Server

before(async () => {
  const origin = (options: Parameters<typeof startOrigin>[1]) =>
    startOrigin((_seen, response) => void response.end('ok'), options)
  const [free] = (await freePorts(1)) as [number]
  mute = createServer((socket) => void socket.on('error', () => {})).listen(0, '127.0.0.1')
  await once(mute, 'listening')
  others = [
    await origin({ identity: authority.issue(['expired.openai.test'], { notAfter: -1_000 }) }),
    await origin({ identity: testAuthority('strangers').issue(['strange.openai.test']) }),
    await origin({ identity: authority.issue(['somebody.else']) }),
  ]
  const [expired, strange, wrong] = others as [Origin, Origin, Origin]
  stage = await startStage(() => {}, {
    authority,
    hosts: ['fine.test', 'redacted.test'],
    origin: { alpn: ['http/1.1'], early: true },
    origins: {
      'api.anthropic.com:443': { address: `127.0.0.1:${free}` },
      'expired.openai.test:443': expired,
      'strange.openai.test:443': strange,
      'wrong.openai.test:443': wrong,
    },
    policies: {
      'a.yaml': {
        intercept: [{ hosts: ['catalogue', '*.test'], action: 'inspect' }],
        oversize: 'allow',
        rules: [redacting],
      },
    },
    config: { limits: { inspectBytes: 100_000 } },
  })
  hasty = await startStage(() => {}, {
    hosts: ['api.openai.com'],
    origin: { alpn: ['http/1.1'] },
    origins: { 'mute.openai.test:443': { address: `127.0.0.1:${(mute.address() as AddressInfo).port}` } },
    policies: { 'a.yaml': { intercept: [{ hosts: ['catalogue', '*.test'], action: 'inspect' }] } },
    config: { upstream: { connectTimeoutMs: 300, headersTimeoutMs: 400 } },
  })
})

after(async () => {
  await hasty[Symbol.asyncDispose]()
  await stage[Symbol.asyncDispose]()
  await Promise.all(others.map((origin) => origin.close()))
  mute.close()
})

const redacting = {
  name: 'redact',
  on: 'response',
  when: { host: ['redacted.test'] },
  hook: 'secrets',
  action: 'redact',
}

const failures: [what: string, host: string, path: string, status: number, code: string][] = [
  ['nobody listens', 'api.anthropic.com', '/v1/messages', 502, 'upstream_unreachable'],
  ['its certificate has expired', 'expired.openai.test', '/v1/chat/completions', 502, 'upstream_certificate_invalid'],
  ['nobody knows its authority', 'strange.openai.test', '/v1/chat/completions', 502, 'upstream_certificate_invalid'],
  [
    'its certificate is for another name',
    'wrong.openai.test',
    '/v1/chat/completions',
    502,
    'upstream_certificate_invalid',
  ],
]

const silences: typeof failures = [
  ['it does not finish a handshake', 'mute.openai.test', '/v1/chat/completions', 504, 'upstream_timeout'],
  ['it does not begin an answer', 'api.openai.com', '/v1/chat/completions', 504, 'upstream_timeout'],
]

for (const [on, cases] of [
  [() => stage, failures],
  [() => hasty, silences],
] as const) {
  for (const [what, host, path, status, code] of cases) {
    test(`an origin fails: ${what}: ${status} in the dialect, with a code, and the connection lives`, async () => {
      const { origin, connect, row: rowOf } = on()
      origin.answer(() => {})
      const client = await connect(host)
      const body = '{"model":"m","messages":[]}'
      for (let turn = 0; turn < 2; turn += 1) {
        client.send(
          `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        )
        const answer = await client.answer()
        assert.deepEqual([answer.status, answer.header('sallyport-error')], [status, code])
        const told = JSON.parse(answer.body) as { type?: string; error: { message: string } }
        assert.equal(told.type, host.includes('anthropic') ? 'error' : undefined)
        assert.match(told.error.message, /exchange /)
        const id = answer.header('sallyport-exchange')
        const row = await rowOf('exchanges', (some) => some['id'] === id)
        assert.deepEqual([row['decision'], row['error'], row['status'], row['state']], ['error', code, status, 'done'])
      }
      client.close()
    })
  }
}

const breaks: [what: string, type: string, length: boolean, error: string][] = [
  ['a stream', 'text/event-stream', false, 'upstream_closed'],
  [
    'a body of known length',
    'application/octet-stream',
    true,
    'upstream_closed; not_inspected: answer application/octet-stream',
  ],
  ['a chunked body that is not read', 'image/png', false, 'upstream_closed; not_inspected: answer image/png'],
]

for (const [what, type, length, error] of breaks) {
  test(`an origin that breaks off in the middle of ${what} leaves an incomplete message and a row`, async () => {
    const path = `/breaks-${type.replace('/', '-')}`
    stage.origin.answer((_seen, response) => {
      response.writeHead(200, { 'content-type': type, ...(length ? { 'content-length': '100' } : {}) })
      response.write('data: begun\n\n', () => response.destroy())
    })
    const client = await stage.connect('fine.test')
    client.send(`GET ${path} HTTP/1.1\r\nHost: fine.test\r\n\r\n`)
    const head = await client.until('\r\n\r\n')
    assert.match(head, /^HTTP\/1\.1 200 /)
    const rest = await client.rest()
    assert.match(rest, /begun/)
    assert.doesNotMatch(rest, /\r\n0\r\n/)
    const row = await stage.exchange(path)
    assert.deepEqual([row['state'], row['error'], row['status']], ['aborted', error, 200])
  })
}

test('an origin that breaks off in the middle of an answer that is read whole is a 502', async () => {
  stage.origin.answer((_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
    response.write('{"a":', () => response.destroy())
  })
  const client = await stage.connect('fine.test')
  client.send('GET /breaks-whole HTTP/1.1\r\nHost: fine.test\r\n\r\n')
  const answer = await client.answer()
  assert.deepEqual([answer.status, answer.header('sallyport-error')], [502, 'upstream_closed'])
  client.close()
})

test('a compressed stream that is none is the fault of the origin', async () => {
  stage.origin.answer((_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' })
    response.end('no gzip at all')
  })
  const client = await stage.connect('redacted.test')
  client.send('GET /nonsense HTTP/1.1\r\nHost: redacted.test\r\n\r\n')
  assert.doesNotMatch(await client.rest(), /\r\n0\r\n/)
  const row = await stage.exchange('/nonsense')
  assert.deepEqual([row['state'], row['error']], ['aborted', 'upstream_invalid'])
})

test('an origin that is silent in the middle of a stream is given up', async () => {
  await using brief = await startStage(
    (_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: begun\n\n')
    },
    {
      hosts: ['fine.test'],
      origin: { alpn: ['http/1.1'] },
      policies: { 'a.yaml': { intercept: [{ hosts: ['*.test'], action: 'inspect' }] } },
      config: { upstream: { idleTimeoutMs: 400 } },
    },
  )
  const client = await brief.connect('fine.test')
  client.send('GET /stalls HTTP/1.1\r\nHost: fine.test\r\n\r\n')
  assert.doesNotMatch(await client.rest(), /\r\n0\r\n/)
  const row = await brief.exchange('/stalls')
  assert.deepEqual([row['state'], row['error']], ['aborted', 'upstream_timeout'])
})

const leaving: [when: string, type: string | undefined][] = [
  ['before the answer', undefined],
  ['in the middle of a stream', 'text/event-stream'],
  ['in the middle of an answer that is read whole', 'application/json'],
]

for (const [when, type] of leaving) {
  test(`a client that goes away ${when} aborts the request at the origin at once`, async () => {
    const path = `/leaves-${type ?? 'before'}`
    stage.origin.answer((_seen, response) => {
      if (type === undefined) return
      response.writeHead(200, { 'content-type': type })
      response.write('data: begun\n\n')
    })
    const before = stage.origin.seen.length
    const client = await stage.connect('fine.test')
    client.send(`GET ${path} HTTP/1.1\r\nHost: fine.test\r\n\r\n`)
    const seen = (await stage.origin.requests(before + 1)).at(-1)
    assert.ok(seen)
    if (type === 'text/event-stream') await client.until('begun')
    client.close()
    assert.equal(await stage.origin.settled(seen), 'aborted')
    const row = await stage.exchange(path)
    assert.deepEqual([row['state'], row['error']], ['aborted', 'client_aborted'])
  })
}

test('a body over the limit passes unread where policy allows it, and the row says so', async () => {
  stage.origin.answer((seen, response, request) => {
    request.on('end', () => setImmediate(() => response.end(String(seen.body.length))))
  })
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'AKIAZK3QXW5TN7RBJ2VD'.repeat(20_000) }] })
  for (const framing of [
    `Content-Length: ${body.length}\r\n\r\n${body}`,
    `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  ]) {
    const client = await stage.connect('fine.test')
    client.send(`POST /large HTTP/1.1\r\nHost: fine.test\r\nContent-Type: application/json\r\n${framing}`)
    assert.equal((await client.answer()).body, String(body.length))
    client.close()
  }
  const row = await stage.exchange('/large')
  assert.match(String(row['error']), /not_inspected: oversize/)
  assert.equal(row['request_body'], null)
})

test(
  'a client that does not read holds the origin back, in flat memory',
  { skip: process.platform !== 'linux' },
  async () => {
    const total = 100 * 2 ** 20
    for (const type of ['application/octet-stream', 'text/event-stream']) {
      let sent = 0
      stage.origin.answer((_seen, response) => {
        response.writeHead(200, { 'content-type': type })
        const line = Buffer.from(`data: ${'x'.repeat(65_000)}\n\n`)
        const more = (): void => {
          while (sent < total) {
            sent += line.length
            if (!response.write(line)) return void response.once('drain', more)
          }
          response.end()
        }
        more()
      })
      const before = residentMb()
      const client = await stage.connect('fine.test')
      client.tls.pause()
      client.send(`GET /flood HTTP/1.1\r\nHost: fine.test\r\n\r\n`)
      let last = -1
      while (sent !== last) {
        last = sent
        await new Promise((resolve) => setTimeout(resolve, 150))
      }
      assert.ok(sent < total / 2, `the origin could send ${sent} bytes to nobody`)
      assert.ok(residentMb() - before < 60, `memory grew by ${residentMb() - before} MB`)
      client.close()
    }
  },
)

/** Resident memory of the program, without the wrapper that started it. */
function residentMb(): number {
  const wrapper = String(stage.sallyport.child.pid)
  const children = readFileSync(`/proc/${wrapper}/task/${wrapper}/children`, 'utf8').trim()
  const pid = children === '' ? wrapper : (children.split(' ')[0] as string)
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

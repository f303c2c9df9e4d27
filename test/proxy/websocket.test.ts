import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { startOrigin, type Origin } from '../support/origin.ts'
import { startStage, tlsThrough, type Stage } from '../support/stage.ts'

const secret = 'AKIAZK3QXW5TN7RBJ2VD'
const servers = new WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 0 } })
let stage: Stage
let plain: Origin
let onSocket: (socket: WebSocket, request: IncomingMessage) => void = () => {}

const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
  if (request.url === '/refused')
    return void socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\nX-Why: no\r\n\r\nnope')
  servers.handleUpgrade(request, socket, head, (opened) => onSocket(opened, request))
}

before(async () => {
  plain = await startOrigin(() => {}, { onUpgrade })
  const rule = (name: string, on: string, action: string, hook: string, options?: unknown) => ({
    name,
    on,
    when: { host: [`${name}.test`] },
    hook,
    action,
    ...(options === undefined ? {} : { options }),
  })
  stage = await startStage(() => {}, {
    hosts: ['tokenize.test', 'block.test', 'denied.test', 'free.test'],
    origin: { onUpgrade, alpn: ['http/1.1'] },
    origins: { 'free.test:80': plain },
    policies: {
      'a.yaml': {
        intercept: [
          { hosts: ['denied.test'], action: 'deny' },
          { hosts: ['*.test'], action: 'inspect' },
        ],
        rules: [
          rule('tokenize', 'request', 'tokenize', 'secrets'),
          rule('block', 'both', 'block', 'keywords', { words: ['sesame'], name: 'doors' }),
        ],
      },
    },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await plain.close()
})

async function open(host: string, path: string, options: { deflate?: boolean } = {}): Promise<WebSocket> {
  const tls = await tlsThrough(stage.sallyport.proxyPort, `${host}:443`, stage.sallyport.ca(), ['http/1.1'])
  const socket = new WebSocket(`wss://${host}${path}`, ['chat'], {
    createConnection: () => tls,
    perMessageDeflate: options.deflate === true ? { threshold: 0 } : false,
    headers: { 'X-Mine': '1' },
  })
  await once(socket, 'open')
  return socket
}

const message = async (socket: WebSocket): Promise<string> => String(((await once(socket, 'message')) as [Buffer])[0])

for (const deflate of [false, true]) {
  const how = deflate ? 'compressed' : 'plain'

  test(`${how} messages, fragments, pings and binary pass a WebSocket both ways`, async () => {
    const heard: string[] = []
    onSocket = (socket, request) => {
      heard.push(String(request.headers['x-mine']), String(request.headers['sec-websocket-protocol']))
      socket.on('message', (data: Buffer, binary: boolean) => socket.send(data, { binary }))
    }
    const socket = await open('free.test', `/echo-${how}`, { deflate })
    assert.equal(socket.protocol, 'chat')
    for (const text of ['hello', 'h\u00e9 \u{1f600}', '', 'x'.repeat(200_000)]) {
      const back = message(socket)
      socket.send(text)
      assert.equal(await back, text)
    }
    const joined = message(socket)
    for (const [piece, fin] of [
      ['one ', false],
      ['two ', false],
      ['three', true],
    ] as const)
      socket.send(piece, { fin })
    assert.equal(await joined, 'one two three')
    const binary = once(socket, 'message') as Promise<[Buffer, boolean]>
    socket.send(Buffer.from([0, 255, 1]))
    assert.deepEqual(await binary, [Buffer.from([0, 255, 1]), true])
    const pong = once(socket, 'pong')
    socket.ping('are you there')
    assert.equal(String((await pong)[0]), 'are you there')
    socket.close(4001, 'enough')
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
    assert.deepEqual([code, String(reason)], [4001, 'enough'])
    assert.deepEqual(heard, ['1', 'chat'])
    const row = await stage.exchange(`/echo-${how}`)
    assert.deepEqual([row['status'], row['state'], row['decision']], [101, 'done', 'allow'])
  })

  test(`a secret in a ${how} message is replaced on the way out, restored in the answer, and not stored`, async () => {
    const heard: string[] = []
    onSocket = (socket) => {
      socket.on('message', (data: Buffer) => {
        heard.push(String(data))
        socket.send(`{"said": ${String(data)}}`)
      })
    }
    const socket = await open('tokenize.test', `/token-${how}`, { deflate })
    for (let turn = 0; turn < 3; turn += 1) {
      const back = message(socket)
      const sent = JSON.stringify({ text: `turn ${turn}: ${secret}, you see` })
      socket.send(sent)
      assert.equal(await back, `{"said": ${sent}}`)
      assert.ok(heard.at(-1)?.includes(secret) === false && heard.at(-1)?.endsWith(', you see"}') === true)
      const plainTurn = message(socket)
      socket.send('"nothing here"')
      assert.equal(await plainTurn, '{"said": "nothing here"}')
    }
    socket.close()
    await once(socket, 'close')
    const row = await stage.exchange(`/token-${how}`)
    assert.deepEqual([row['decision'], row['rule']], ['tokenize', 'tokenize'])
    assert.match(String(row['request_body']), /you see/)
    assert.deepEqual(stage.sallyport.filesWith(secret), [])
  })
}

for (const way of ['up', 'down'] as const) {
  test(`a blocked message ${way} closes the WebSocket with 1008, and is not delivered`, async () => {
    const heard: string[] = []
    onSocket = (socket) => {
      socket.on('message', (data: Buffer) => {
        heard.push(String(data))
        socket.send(way === 'down' ? '{"a":"open sesame"}' : '"fine"')
      })
    }
    const socket = await open('block.test', `/block-${way}`)
    const got: string[] = []
    socket.on('message', (data: Buffer) => got.push(String(data)))
    socket.send(way === 'up' ? '{"a":"open sesame"}' : '"hello"')
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
    assert.equal(code, 1008)
    assert.match(String(reason), /block/)
    assert.ok(!String(reason).includes('sesame'))
    assert.deepEqual([heard, got], [way === 'up' ? [] : ['"hello"'], []])
    const row = await stage.exchange(`/block-${way}`)
    assert.equal(row['decision'], 'block')
  })
}

test('an upgrade that the origin refuses is answered as the origin answered', async () => {
  const client = await stage.connect('free.test')
  client.send(
    'GET /refused HTTP/1.1\r\nHost: free.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  const answer = await client.answer()
  assert.deepEqual([answer.status, answer.header('x-why'), answer.body], [401, 'no', 'nope'])
  client.close()
  assert.deepEqual([(await stage.exchange('/refused'))['status']], [401])
})

test('a plain WebSocket passes by an absolute target, which wins over Host', async () => {
  let host: string | undefined
  onSocket = (socket, request) => {
    host = request.headers.host
    socket.on('message', (data: Buffer) => socket.send(String(data)))
  }
  const client = await stage.raw()
  client.send(
    'GET http://free.test/ws HTTP/1.1\r\nHost: other.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 101 /)
  client.send(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]))
  assert.equal(await client.until(4), '\x81\x02hi')
  assert.equal(host, 'free.test')
  client.close()
  assert.equal((await stage.exchange('/ws'))['status'], 101)
})

const refused: [what: string, target: string, status: number, error: string][] = [
  ['to a denied host', 'http://denied.test/ws', 403, 'policy_denied'],
  ['to the proxy itself', 'http://127.0.0.1:PORT/ws', 508, 'loop_detected'],
  ['to a private address', 'http://10.0.0.1/ws', 403, 'address_not_allowed'],
]

for (const [what, target, status, error] of refused) {
  test(`a plain WebSocket ${what} is refused with ${status}`, async () => {
    const client = await stage.raw()
    client.send(
      `GET ${target.replace('PORT', String(stage.sallyport.proxyPort))} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    )
    const answer = await client.answer()
    assert.deepEqual([answer.status, answer.header('sallyport-error')], [status, error])
    client.close()
  })
}

test('an upgrade without an absolute target on the proxy port is refused, and another Host inside a tunnel too', async () => {
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
  const bare = await stage.raw()
  bare.send(`GET /ws HTTP/1.1\r\nHost: x\r\n${upgrade}`)
  assert.equal((await bare.answer()).status, 400)
  bare.close()
  const client = await stage.connect('free.test')
  client.send(`GET /ws HTTP/1.1\r\nHost: block.test\r\n${upgrade}`)
  assert.equal((await client.answer()).status, 421)
  client.close()
})

const handshake =
  'Host: free.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'

const bodies: [what: string, rest: string][] = [
  ['a length', 'Content-Length: 5\r\n\r\nhello'],
  ['chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
]
for (const [what, rest] of bodies) {
  for (const inside of [true, false]) {
    const path = `/body-${what.replace(' ', '-')}-${inside}`
    test(`an upgrade with a body of ${what} ${inside ? 'inside a tunnel' : 'by an absolute target'} is refused and recorded`, async () => {
      onSocket = () => assert.fail('the origin has it')
      const client = inside ? await stage.connect('free.test') : await stage.raw()
      client.send(`GET ${inside ? '' : 'http://free.test'}${path} HTTP/1.1\r\n${handshake}${rest}`)
      const answer = await client.answer()
      assert.deepEqual([answer.status, answer.header('sallyport-error')], [400, 'malformed_request'])
      client.close()
      assert.equal((await stage.exchange(path))['error'], 'malformed_request')
    })
  }
}

const inner: [target: string, status: number, error: string | undefined][] = [
  ['/inner', 101, undefined],
  ['https://free.test/inner', 101, undefined],
  ['https://block.test/inner', 421, 'misdirected_request'],
  ['http://free.test/inner', 421, 'misdirected_request'],
  ['inner', 400, 'malformed_request'],
  ['*', 400, 'malformed_request'],
]
for (const [target, status, error] of inner) {
  test(`an upgrade to ${target} inside a tunnel is answered with ${status}`, async () => {
    onSocket = () => {}
    const client = await stage.connect('free.test')
    client.send(`GET ${target} HTTP/1.1\r\n${handshake}Content-Length: 0\r\n\r\n`)
    const head = await client.until('\r\n\r\n')
    assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `))
    if (error !== undefined) assert.ok(head.toLowerCase().includes(`sallyport-error: ${error}`))
    client.close()
  })
}

test('a side that vanishes ends the other, and the row', async () => {
  onSocket = (socket) => socket.on('message', () => socket.terminate())
  const socket = await open('free.test', '/vanish-origin')
  socket.on('error', () => {})
  socket.send('bye')
  await once(socket, 'close')
  await stage.exchange('/vanish-origin')
  const closed = new Promise<void>(
    (resolve) => (onSocket = (opened) => opened.on('close', () => resolve()).on('error', () => {})),
  )
  const other = await open('free.test', '/vanish-client')
  other.terminate()
  await closed
  await stage.exchange('/vanish-client')
})

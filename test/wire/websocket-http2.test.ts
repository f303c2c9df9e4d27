import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import { acceptOf } from '../../src/http/websocket-handshake.ts'
import { opcodes } from '../../src/http/websocket-frame.ts'
import { testAuthority } from '../support/authority.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import { startStage, type Stage } from '../support/stage.ts'
import { websocketEnd, type WebSocketEnd } from '../support/websocket-end.ts'

type Handshake = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly version: '1.1' | '2' }

const secret = 'AKIAZK3QXW5TN7RBJ2VD'
const key = 'dGhlIHNhbXBsZSBub25jZQ=='
const authority = testAuthority()
const others: Origin[] = []
let stage: Stage
let talk: (end: WebSocketEnd, handshake: Handshake) => void = () => {}

const onUpgrade = (request: IncomingMessage, socket: Duplex): void => {
  const { url: path = '', headers } = request
  if (path.startsWith('/refused'))
    return void socket.end('HTTP/1.1 403 No\r\nContent-Length: 4\r\nX-Why: no\r\nSet-Cookie: a=1\r\n\r\nnope')
  const accept = acceptOf(String(headers['sec-websocket-key']))
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: chat\r\n\r\n`,
  )
  talk(websocketEnd(socket, false), { path, headers, version: '1.1' })
}
const onExtendedConnect = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
  const path = String(headers[':path'])
  if (path.startsWith('/refused')) {
    stream.respond({ ':status': 403, 'x-why': 'no', 'set-cookie': 'a=1' })
    return void stream.end('nope')
  }
  stream.respond({ ':status': 200, 'sec-websocket-protocol': 'chat' })
  talk(websocketEnd(stream, false), { path, headers, version: '2' })
}

before(async () => {
  const names = ['one.test', 'two.test', 'both.test', 'only.test']
  const origin = async (alpn: ('h2' | 'http/1.1')[], more: object): Promise<Origin> => {
    const started = await startOrigin(() => {}, { authority, names, alpn, ...more })
    others.push(started)
    return started
  }
  stage = await startStage(() => {}, {
    authority,
    hosts: names,
    origins: {
      'one.test:443': await origin(['http/1.1'], { onUpgrade }),
      'two.test:443': await origin(['h2', 'http/1.1'], { onExtendedConnect, onUpgrade }),
      'both.test:443': await origin(['h2', 'http/1.1'], { onUpgrade }),
      'only.test:443': await origin(['h2'], { onExtendedConnect }),
    },
    policies: {
      'a.yaml': {
        intercept: [{ hosts: ['*.test'], action: 'inspect' }],
        rules: [
          { name: 'keys', on: 'request', hook: 'secrets', action: 'tokenize' },
          {
            name: 'doors',
            on: 'both',
            hook: 'keywords',
            action: 'block',
            options: { words: ['sesame'], name: 'doors' },
          },
        ],
      },
    },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  for (const origin of others) await origin.close()
})

type Route = { readonly host: string; readonly client: '1.1' | '2'; readonly origin: '1.1' | '2' }
const routes: readonly Route[] = [
  { host: 'one.test', client: '1.1', origin: '1.1' },
  { host: 'one.test', client: '2', origin: '1.1' },
  { host: 'two.test', client: '2', origin: '2' },
  { host: 'both.test', client: '2', origin: '1.1' },
  { host: 'only.test', client: '1.1', origin: '2' },
]

const asked = {
  origin: 'https://page.test',
  cookie: 'a=1',
  'sec-websocket-protocol': 'chat, other',
  'sec-websocket-version': '13',
}

async function connectHttp2(
  session: ClientHttp2Session,
  path: string,
  more: object = {},
): Promise<{ stream: ClientHttp2Stream; head: IncomingHttpHeaders }> {
  if (session.remoteSettings?.enableConnectProtocol !== true) await once(session, 'remoteSettings')
  const stream = session.request(
    { ':method': 'CONNECT', ':protocol': 'websocket', ':path': path, ...asked, ...more },
    { endStream: false },
  )
  stream.on('error', () => {})
  const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  return { stream, head }
}

const upgrade = (path: string, host: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${key}\r\n${Object.entries(
    asked,
  )
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`

/** The client's end of a WebSocket over this route. */
async function open({ host, client }: Route, path: string): Promise<WebSocketEnd & { readonly gone: () => void }> {
  if (client === '2') {
    const session = await stage.http2(host)
    const { stream, head } = await connectHttp2(session, path)
    assert.equal(head[':status'], 200)
    assert.deepEqual([head['sec-websocket-protocol'], head['sec-websocket-accept']], ['chat', undefined])
    stream.once('close', () => session.close())
    return { ...websocketEnd(stream, true), gone: () => stream.close(8) }
  }
  const raw = await stage.connect(host)
  raw.send(upgrade(path, host))
  const head = await raw.until('\r\n\r\n')
  assert.match(head, /^HTTP\/1\.1 101 [^]*sec-websocket-protocol: chat/i)
  assert.ok(head.includes(acceptOf(key)))
  raw.tls.removeAllListeners('data')
  return { ...websocketEnd(raw.tls, true), gone: () => void raw.tls.destroy() }
}

for (const route of routes) {
  const name = `from HTTP/${route.client} to HTTP/${route.origin} (${route.host})`
  const at = (what: string): string => `/${what}-${route.host}-${route.client}`

  test(`a WebSocket ${name} has one handshake, passes both ways, and closes with its code`, async () => {
    const seen: Handshake[] = []
    talk = async (end, handshake) => {
      seen.push(handshake)
      for (let frame = await end.hear(); frame !== undefined; frame = await end.hear()) {
        if (frame.opcode === opcodes.ping) end.say(opcodes.pong, frame.payload)
        else end.say(frame.opcode, frame.payload)
        if (frame.opcode === opcodes.close) end.socket.end()
      }
    }
    const client = await open(route, `${at('echo')}?x=1`)
    for (const text of ['hello', '', 'x'.repeat(300_000)]) {
      client.say(opcodes.text, text)
      assert.equal(await client.text(), text)
    }
    client.say(opcodes.binary, Buffer.from([0, 255]))
    assert.deepEqual((await client.hear())?.payload, Buffer.from([0, 255]))
    client.say(opcodes.ping, 'ping')
    assert.equal((await client.hear())?.opcode, opcodes.pong)
    client.close(4001, 'enough')
    assert.equal((await client.hear())?.payload.readUInt16BE(0), 4001)
    assert.equal(await client.hear(), undefined)
    client.socket.end()
    const [{ path, headers, version }] = seen as [Handshake]
    assert.deepEqual([path, version], [`${at('echo')}?x=1`, route.origin])
    assert.partialDeepStrictEqual(headers, asked)
    assert.equal(headers['sec-websocket-key'] !== undefined, route.origin === '1.1')
    const row = await stage.exchange(`${at('echo')}?x=***`)
    assert.partialDeepStrictEqual(row, {
      method: 'GET',
      status: route.client === '2' ? 200 : 101,
      state: 'done',
      error: 'not_inspected: binary message',
      http_version: route.client,
      upstream_http_version: route.origin,
      decision: 'allow',
      request_bytes: 300_007,
    })
  })

  test(`a secret ${name} is replaced on the way out and put back, and a blocked message ends it`, async () => {
    const heard: string[] = []
    talk = async (end) => {
      for (let text = await end.text(); text !== undefined; text = await end.text()) {
        heard.push(text)
        end.say(opcodes.text, text)
      }
      end.socket.end()
    }
    const client = await open(route, at('policy'))
    client.say(opcodes.text, `{"text": "take ${secret}, please"}`)
    assert.equal(await client.text(), `{"text": "take ${secret}, please"}`)
    client.say(opcodes.text, '"open sesame"')
    const close = await client.hear()
    assert.deepEqual([close?.opcode, close?.payload.readUInt16BE(0)], [opcodes.close, 1008])
    assert.equal(await client.hear(), undefined)
    client.socket.end()
    assert.ok(!heard.join().includes(secret) && !heard.join().includes('sesame'))
    assert.partialDeepStrictEqual(await stage.exchange(at('policy')), {
      decision: 'block',
      rule: 'doors',
      state: 'done',
    })
  })

  test(`a refusal ${name} is the origin's own`, async () => {
    talk = () => assert.fail('it was refused')
    if (route.client === '2') {
      const session = await stage.http2(route.host)
      const { stream, head } = await connectHttp2(session, at('refused'))
      assert.deepEqual([head[':status'], head['x-why'], head['set-cookie']], [403, 'no', ['a=1']])
      assert.equal(Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>)).toString(), 'nope')
      session.close()
    } else {
      const raw = await stage.connect(route.host)
      raw.send(upgrade(at('refused'), route.host))
      const answer = await raw.answer()
      assert.deepEqual([answer.status, answer.header('x-why'), answer.body], [403, 'no', 'nope'])
      raw.close()
    }
    assert.partialDeepStrictEqual(await stage.exchange(at('refused')), { status: 403, state: 'done' })
  })

  test(`a client that vanishes ${name} takes the origin's side with it, and the other way round`, async () => {
    const gone = Promise.withResolvers<void>()
    talk = (end) => void end.hear().then((frame) => frame === undefined && gone.resolve())
    const client = await open(route, at('client-gone'))
    client.gone()
    await gone.promise
    assert.partialDeepStrictEqual(await stage.exchange(at('client-gone')), {
      state: 'aborted',
      error: 'client_aborted',
    })
    talk = (end) => void end.hear().then(() => end.socket.destroy())
    const other = await open(route, at('origin-gone'))
    other.say(opcodes.text, 'bye')
    assert.equal(await other.hear(), undefined)
    other.socket.end()
    assert.partialDeepStrictEqual(await stage.exchange(at('origin-gone')), {
      state: 'aborted',
      error: 'upstream_closed',
    })
  })

  test(`what a client said before it ended its side ${name} arrives, with the end`, async () => {
    const heard = Promise.withResolvers<string[]>()
    talk = async (end) => {
      const texts: string[] = []
      for (let text = await end.text(); text !== undefined; text = await end.text()) texts.push(text)
      heard.resolve(texts)
      end.socket.end()
    }
    const client = await open(route, at('ended'))
    for (let i = 0; i < 50; i += 1) client.say(opcodes.text, `message ${i}`)
    client.socket.end()
    assert.equal((await heard.promise).length, 50)
    await stage.exchange(at('ended'))
  })
}

test('many WebSockets share one HTTP/2 connection, beside requests, and one that is not read holds up no other', async () => {
  talk = async (end, { path }) => {
    if (path === '/flood') for (let i = 0; i < 40; i += 1) end.say(opcodes.binary, Buffer.alloc(200_000, 1))
    for (let text = await end.text(); text !== undefined; text = await end.text())
      end.say(opcodes.text, `${path} ${text}`)
  }
  const session = await stage.http2('two.test')
  const flooded = await connectHttp2(session, '/flood')
  const ends = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => websocketEnd((await connectHttp2(session, `/many-${i}`)).stream, true)),
  )
  ends.forEach((end, i) => end.say(opcodes.text, `text ${i}`))
  assert.deepEqual(
    await Promise.all(ends.map((end) => end.text())),
    ends.map((_, i) => `/many-${i} text ${i}`),
  )
  const read = websocketEnd(flooded.stream, true)
  for (let i = 0; i < 40; i += 1) assert.equal((await read.hear())?.payload.length, 200_000)
  session.destroy()
  await stage.exchange('/many-19')
})

test('another :authority is 421, and CONNECT for another protocol is 501', async () => {
  talk = () => assert.fail('it was refused')
  const session = await stage.http2('two.test')
  const { head } = await connectHttp2(session, '/elsewhere', { ':authority': 'one.test' })
  assert.equal(head[':status'], 421)
  const other = session.request(
    { ':method': 'CONNECT', ':protocol': 'connect-udp', ':path': '/udp' },
    { endStream: false },
  )
  assert.equal(((await once(other, 'response')) as [IncomingHttpHeaders])[0][':status'], 501)
  session.destroy()
  assert.equal((await stage.exchange('/udp'))['error'], 'unsupported_method')
})

for (const [what, fields] of [
  ['h2c', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n'],
  ['an unknown protocol', 'Connection: Upgrade\r\nUpgrade: foo/2\r\n'],
] as const) {
  test(`an upgrade to ${what} is an ordinary request without it`, async () => {
    const one = others[0] as Origin
    one.answer((_seen, response) => void response.end('plain'))
    const client = await stage.connect('one.test')
    client.send(`GET /upgrade HTTP/1.1\r\nHost: one.test\r\nX-A: b\r\n${fields}\r\n`)
    const answer = await client.answer()
    assert.deepEqual([answer.status, answer.body], [200, 'plain'])
    const seen = one.seen.at(-1)
    assert.deepEqual(
      [seen?.header('upgrade'), seen?.header('http2-settings'), seen?.header('x-a')],
      [undefined, undefined, 'b'],
    )
    client.close()
  })
}

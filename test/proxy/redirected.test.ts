import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { acceptOf } from '../../src/http/websocket-handshake.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import { redirectedDoor, type RedirectedDoor } from '../support/redirected.ts'

const its = '127.0.0.1'
const policy = {
  intercept: [
    { hosts: ['denied.test'], action: 'deny', reason: 'not for us' },
    { hosts: ['*.inspected.test', 'inspected.test'], action: 'inspect' },
    { hosts: ['*'], action: 'tunnel', reason: 'theirs' },
  ],
  rules: [
    { name: 'doors', on: 'both', hook: 'keywords', action: 'block', options: { words: ['sesame'], name: 'doors' } },
  ],
}
let origin: Origin
let door: RedirectedDoor

before(async () => {
  origin = await startOrigin(
    (seen, response) => void response.end(`${seen.method} ${seen.url} of ${seen.header('host')}`),
    {
      onUpgrade(request, socket) {
        const accept = acceptOf(String(request.headers['sec-websocket-key']))
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n${request.headers.host === 'theirs.test' ? 'early' : ''}`,
        )
        socket.on('error', () => {}).pipe(socket)
      },
    },
  )
  const names = [
    'inspected.test',
    'a.inspected.test',
    'b.inspected.test',
    'theirs.test',
    '203.0.113.9',
    '[2606:4700::9]',
  ]
  const origins = Object.fromEntries(
    names.flatMap((name) => [[`${name}:80`, origin] as const, [`${name}:8080`, origin] as const]),
  )
  door = await redirectedDoor({ policy, origins, parts: { isSelf: ({ host }) => host === 'self.test' } })
})

beforeEach(async () => {
  door.dialled({ address: its, port: 80 })
  await door.policy(policy)
})

after(async () => {
  await door.close()
  await origin.close()
})

async function ask(request: string, options?: { readonly bodiless?: boolean }) {
  const client = await door.raw()
  client.send(request)
  const answer = await client.answer(options)
  client.close()
  return answer
}

const get = (host: string, path = '/'): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`

test('requests of one connection go each to the host that it names, and are inspected or not by it', async () => {
  const exchanges = (await door.rows('exchanges', 0)).length
  const connections = (await door.rows('connections', 0)).length
  const client = await door.raw()
  for (const host of ['a.inspected.test', 'theirs.test', 'b.inspected.test:80', 'A.Inspected.Test.']) {
    client.send(get(host, '/turn'))
    const { status, body } = await client.answer()
    // Host is sent as it came.
    assert.deepEqual([status, body], [200, `GET /turn of ${host}`])
  }
  client.close()
  const rows = (await door.rows('exchanges', exchanges + 3)).slice(exchanges)
  assert.deepEqual(
    rows.map((row) => [row['host'], row['port'], row['decision']]),
    [
      ['a.inspected.test', 80, 'allow'],
      ['b.inspected.test', 80, 'allow'],
      ['a.inspected.test', 80, 'allow'],
    ],
  )
  const [tunnelled] = (await door.rows('connections', connections + 1)).slice(connections)
  assert.deepEqual(
    [tunnelled?.['host'], tunnelled?.['handling'], tunnelled?.['reason']],
    ['theirs.test', 'tunnel', 'theirs'],
  )
})

test('requests that come all at once are answered in their order', async () => {
  const client = await door.raw()
  client.send(get('a.inspected.test', '/1') + get('b.inspected.test', '/2') + get('theirs.test', '/3'))
  for (const said of ['GET /1 of a.inspected.test', 'GET /2 of b.inspected.test', 'GET /3 of theirs.test'])
    assert.equal((await client.answer()).body, said)
  client.close()
})

test('a client that has ended its side gets its answer', async () => {
  const client = await door.raw()
  client.send(get('inspected.test', '/last'))
  client.end()
  assert.match(await client.rest(), /GET \/last of inspected\.test$/)
})

test('a rule blocks here as everywhere', async () => {
  const body = 'open sesame'
  const before = origin.seen.length
  const { status } = await ask(
    `POST / HTTP/1.1\r\nHost: inspected.test\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  assert.deepEqual([status, origin.seen.length], [403, before])
})

const going: [
  what: string,
  request: string,
  to: Parameters<RedirectedDoor['dialled']>[0],
  host: string,
  port: number,
  said: string,
][] = [
  [
    'a port that the client dialled',
    get('inspected.test:8080'),
    { address: its, port: 8080 },
    'inspected.test',
    8080,
    'GET / of inspected.test:8080',
  ],
  [
    'a Host without a port on another than 80',
    get('inspected.test'),
    { address: its, port: 8080 },
    'inspected.test',
    8080,
    'GET / of inspected.test',
  ],
  [
    'a port that only Host knows',
    get('inspected.test:8080'),
    undefined,
    'inspected.test',
    8080,
    'GET / of inspected.test:8080',
  ],
  ['no port that anybody knows', get('inspected.test'), undefined, 'inspected.test', 80, 'GET / of inspected.test'],
  [
    'the name and not the address',
    get('inspected.test'),
    { address: '203.0.113.9', port: 80 },
    'inspected.test',
    80,
    'GET / of inspected.test',
  ],
  [
    'an absolute target and not Host',
    'GET http://a.inspected.test/x?y HTTP/1.1\r\nHost: b.inspected.test\r\n\r\n',
    { address: its, port: 80 },
    'a.inspected.test',
    80,
    'GET /x?y of a.inspected.test',
  ],
]

for (const [what, request, to, host, port, said] of going) {
  test(`a request goes by ${what}`, async () => {
    door.dialled(to)
    const row = await door.rowAfter('exchanges', async () => assert.equal((await ask(request)).body, said))
    assert.deepEqual([row['host'], row['port'], row['status']], [host, port, 200])
  })
}

const refused: [what: string, request: string, status: number, code: string, host: string][] = [
  ['to another port than the client dialled', get('inspected.test:8080'), 421, 'misdirected_request', 'inspected.test'],
  [
    'with an absolute target to another port',
    'GET http://inspected.test:8080/ HTTP/1.1\r\nHost: inspected.test:8080\r\n\r\n',
    421,
    'misdirected_request',
    'inspected.test',
  ],
  [
    'for https in the clear',
    'GET https://inspected.test/ HTTP/1.1\r\nHost: inspected.test\r\n\r\n',
    400,
    'malformed_request',
    'inspected.test',
  ],
  ['to a host that policy denies', get('denied.test'), 403, 'policy_denied', 'denied.test'],
  ['to Sallyport itself', get('self.test'), 508, 'loop_detected', 'self.test'],
  ['to an address that may not be dialled', get('10.1.2.3'), 403, 'address_not_allowed', '10.1.2.3'],
  ['to loopback by its name', get('localhost'), 403, 'address_not_allowed', 'localhost'],
  ['that names nobody', 'GET / HTTP/1.0\r\n\r\n', 400, 'malformed_request', its],
  ['with a Host that is none', get('127.1'), 400, 'malformed_request', its],
]

for (const [what, request, status, code, host] of refused) {
  test(`a request ${what} is refused, and reaches nobody`, async () => {
    const before = origin.seen.length
    const row = await door.rowAfter('exchanges', async () => assert.equal((await ask(request)).status, status))
    assert.deepEqual([row['host'], row['error'], origin.seen.length], [host, code, before])
  })
}

const smuggled: [what: string, request: string][] = [
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: theirs.test\r\nHost: inspected.test\r\n\r\n'],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
  [
    'both lengths',
    'POST / HTTP/1.1\r\nHost: theirs.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['two lengths', 'POST / HTTP/1.1\r\nHost: theirs.test\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!'],
  ['a folded Host', 'GET / HTTP/1.1\r\nHost: theirs.test\r\n inspected.test\r\n\r\n'],
  ['a space before the colon', 'GET / HTTP/1.1\r\nHost : theirs.test\r\n\r\n'],
  ['a user in Host', 'GET / HTTP/1.1\r\nHost: theirs.test@inspected.test\r\n\r\n'],
]

for (const [what, request] of smuggled) {
  test(`a request with ${what} is refused, and what is behind it is no request`, async () => {
    const before = origin.seen.length
    const client = await door.raw()
    client.send(request + get('inspected.test', '/behind'))
    assert.equal((await client.answer()).status, 400)
    await client.rest()
    assert.equal(origin.seen.length, before)
  })
}

test('there is no CONNECT on a redirected connection, and no set-up page', async () => {
  assert.equal((await ask('CONNECT inspected.test:443 HTTP/1.1\r\nHost: inspected.test:443\r\n\r\n')).status, 405)
  assert.equal((await ask(get('theirs.test', '/ca.pem'))).body, 'GET /ca.pem of theirs.test')
})

test('where policy lets ports differ, the request goes to the one that the client dialled', async () => {
  await door.policy({ ...policy, mismatch: 'allow' })
  const row = await door.rowAfter('exchanges', async () =>
    assert.equal((await ask(get('inspected.test:8080'))).status, 200),
  )
  assert.equal(row['port'], 80)
})

for (const [address, shown] of [
  ['203.0.113.9', '203.0.113.9'],
  ['2606:4700::9', '[2606:4700::9]'],
] as const) {
  test(`where policy lets pass what names nobody, it goes to ${address}, where the client wanted it`, async () => {
    await door.policy({ ...policy, unnamed: 'tunnel' })
    door.dialled({ address, port: 80 })
    const row = await door.rowAfter('connections', async () => {
      assert.equal((await ask('GET /nameless HTTP/1.0\r\n\r\n')).body, `GET /nameless of ${shown}`)
    })
    assert.deepEqual([row['host'], row['handling']], [address, 'tunnel'])
  })
}

test('what names nobody has nowhere to go where the system does not tell', async () => {
  await door.policy({ ...policy, unnamed: 'tunnel' })
  door.dialled(undefined)
  assert.equal((await ask('GET / HTTP/1.0\r\n\r\n')).status, 400)
})

const upgrade = (host: string): string =>
  `GET /ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`

test('a plain WebSocket goes to the host that it names, unread where that is not inspected', async () => {
  const row = await door.rowAfter('connections', async () => {
    const client = await door.raw()
    client.send(upgrade('theirs.test'))
    assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 101 /)
    assert.equal(await client.until('early'), 'early')
    client.send('open sesame')
    assert.equal(await client.until('sesame'), 'open sesame')
    client.close()
  })
  assert.deepEqual([row['host'], row['handling']], ['theirs.test', 'tunnel'])
})

test('a plain WebSocket to a host that is inspected is', async () => {
  const row = await door.rowAfter('exchanges', async () => {
    const client = await door.raw()
    client.send(upgrade('inspected.test'))
    assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 101 /)
    // A masked text frame with the word that is blocked.
    const text = Buffer.from('open sesame')
    client.send(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]))
    await client.rest()
  })
  assert.deepEqual([row['host'], row['port'], row['decision']], ['inspected.test', 80, 'block'])
})

test('a plain WebSocket to a port that the client did not dial is refused', async () => {
  assert.equal((await ask(upgrade('inspected.test:8080'))).status, 421)
})

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import type { ConnectionOptions } from 'node:tls'
import { after, before, beforeEach, test } from 'node:test'
import { testAuthority } from '../support/authority.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import {
  helloOf,
  listeningOrigin,
  redirectedDoor,
  type ListeningOrigin,
  type RedirectedDoor,
} from '../support/redirected.ts'

const authority = testAuthority()
const its = '127.0.0.1'
const foreign = '203.0.113.9'
const policy = {
  intercept: [
    { hosts: ['denied.test', '203.0.113.66'], action: 'deny', reason: 'not for us' },
    { hosts: ['inspected.test', 'gone.test', '203.0.113.7'], action: 'inspect', reason: 'ours' },
    { hosts: ['*'], action: 'tunnel', reason: 'theirs' },
  ],
}
let origin: Origin
let listening: ListeningOrigin
let door: RedirectedDoor

before(async () => {
  listening = await listeningOrigin()
  const names = ['inspected.test', 'theirs.test', foreign, '203.0.113.7']
  origin = await startOrigin((seen, response) => void response.end(`${seen.url} for ${seen.header('host')}`), {
    authority,
    names,
    alpn: ['http/1.1'],
  })
  const dead = { address: '127.0.0.1:1' }
  door = await redirectedDoor({
    authority,
    policy,
    origins: {
      'inspected.test:443': origin,
      'inspected.test:8443': origin,
      'theirs.test:443': origin,
      'theirs.test:8443': origin,
      'dead.test:443': dead,
      'raw.test:443': listening,
      '203.0.113.7:443': origin,
      [`${foreign}:443`]: origin,
      '203.0.113.8:443': listening,
    },
    parts: { handshakeTimeoutMs: 1_000, isSelf: ({ host }) => host === '203.0.113.99' },
  })
})

beforeEach(async () => {
  door.dialled({ address: its, port: 443 })
  door.ownDials(false)
  await door.policy(policy)
})

after(async () => {
  await door.close()
  await origin.close()
  listening.close()
})

/** One request on a TLS connection for this name; what was answered, and by whose certificate. */
async function asked(servername: string, how: ConnectionOptions = {}) {
  const client = await door.tls({ servername, ...how })
  const leaf = new X509Certificate((client.tls.getPeerCertificate(true) as { raw: Buffer }).raw)
  client.send(`GET /x HTTP/1.1\r\nHost: ${servername}\r\nConnection: close\r\n\r\n`)
  const { body } = await client.answer()
  client.close()
  return { body, ours: leaf.verify(new X509Certificate(door.ca).publicKey) }
}

/** What becomes of these bytes: all that came back, or the code of the error. */
async function answerTo(bytes: string | Buffer, end = false): Promise<string> {
  const client = await door.raw()
  client.send(bytes)
  if (end) client.end()
  try {
    return Buffer.from(await client.rest(), 'latin1').toString('hex')
  } catch (error) {
    return String((error as { code?: unknown }).code)
  }
}

const accessDenied = '15030300020231'

test('TLS is intercepted for the name in its hello, without a CONNECT', async () => {
  const row = await door.rowAfter('connections', async () => {
    assert.deepEqual(await asked('inspected.test'), { body: '/x for inspected.test', ours: true })
  })
  assert.deepEqual(
    [row['host'], row['port'], row['sni'], row['handling'], row['reason']],
    ['inspected.test', 443, 'inspected.test', 'inspect', 'ours'],
  )
  const [exchange] = (await door.rows('exchanges', 1)).slice(-1)
  assert.deepEqual(
    [exchange?.['host'], exchange?.['connection_id'], exchange?.['decision']],
    ['inspected.test', row['id'], 'allow'],
  )
})

test('TLS to a name that is not inspected is relayed to it', async () => {
  const row = await door.rowAfter('connections', async () => {
    assert.deepEqual(await asked('theirs.test', { ca: authority.cert }), { body: '/x for theirs.test', ours: false })
  })
  assert.deepEqual(
    [row['host'], row['sni'], row['handling'], row['reason']],
    ['theirs.test', 'theirs.test', 'tunnel', 'theirs'],
  )
  assert.ok(Number(row['bytes_up']) > 0 && Number(row['bytes_down']) > 0)
})

for (const [name, ca] of [
  ['inspected.test', undefined],
  ['theirs.test', authority.cert],
] as const) {
  test(`the port is the one that the client dialled: ${name}`, async () => {
    door.dialled({ address: its, port: 8443 })
    const row = await door.rowAfter('connections', () => asked(name, ca === undefined ? {} : { ca }))
    assert.equal(row['port'], 8443)
  })

  test(`where the system does not tell it, the port is 443: ${name}`, async () => {
    door.dialled(undefined)
    const row = await door.rowAfter('connections', () => asked(name, ca === undefined ? {} : { ca }))
    assert.equal(row['port'], 443)
  })

  test(`a name that is not that of the address is what is dialled, and the row tells: ${name}`, async () => {
    door.dialled({ address: foreign, port: 443 })
    const row = await door.rowAfter('connections', () => asked(name, ca === undefined ? {} : { ca }))
    assert.equal(row['host'], name)
    assert.match(String(row['reason']), new RegExp(`; dialled as ${foreign}, which is not an address of ${name}$`))
  })
}

test('a name that policy denies gets the alert that says so', async () => {
  const row = await door.rowAfter('connections', async () => {
    assert.equal(await answerTo(await helloOf({ servername: 'denied.test' })), accessDenied)
  })
  assert.deepEqual(
    [row['host'], row['handling'], row['reason'], row['error']],
    ['denied.test', 'deny', 'policy denies denied.test: not for us', 'policy_denied'],
  )
})

test('a name whose address may not be dialled is refused before the handshake', async () => {
  for (const servername of ['localhost', 'inspected.localhost']) {
    const row = await door.rowAfter('connections', async () => {
      assert.equal(await answerTo(await helloOf({ servername })), accessDenied)
    })
    assert.deepEqual([row['host'], row['handling'], row['error']], [servername, 'deny', 'address_not_allowed'])
  }
})

test('an origin that cannot be reached is the end of the connection, without a word', async () => {
  const row = await door.rowAfter('connections', async () => {
    assert.ok(['', 'ECONNRESET'].includes(await answerTo(await helloOf({ servername: 'dead.test' }))))
  })
  assert.deepEqual([row['host'], row['handling'], row['error']], ['dead.test', 'failed', 'upstream_unreachable'])
})

test('a connection of its own that was redirected back to it is refused, and not dialled again', async () => {
  door.ownDials(true)
  const before = origin.connections()
  for (const bytes of [
    await helloOf({ servername: 'theirs.test' }),
    'GET / HTTP/1.1\r\nHost: theirs.test\r\n\r\n',
    Buffer.alloc(64, 1),
  ]) {
    const row = await door.rowAfter('connections', () => answerTo(bytes))
    assert.deepEqual([row['handling'], row['error']], ['deny', 'loop_detected'])
  }
  assert.equal(origin.connections(), before)
})

test('what was going to Sallyport itself is refused', async () => {
  door.dialled({ address: '203.0.113.99', port: 443 })
  await door.policy({ ...policy, unnamed: 'tunnel' })
  const row = await door.rowAfter('connections', async () => answerTo(await helloOf({ servername: '' })))
  assert.deepEqual([row['handling'], row['error']], ['deny', 'loop_detected'])
})

test('a hello comes in as many pieces as it likes', async () => {
  const hello = await helloOf({ servername: 'raw.test' })
  for (const cut of [1, 5, 6, 43, 100, hello.length - 1]) {
    const row = await door.rowAfter('connections', async () => {
      const client = await door.raw()
      client.send(hello.subarray(0, cut))
      await new Promise((resolve) => setTimeout(resolve, 5))
      client.send(hello.subarray(cut))
      client.end()
      assert.equal(await client.rest(), 'heard')
    })
    assert.ok(listening.heard().equals(hello), `cut at ${cut}`)
    assert.deepEqual([row['sni'], row['bytes_up']], ['raw.test', hello.length])
  }
})

test('a client that has ended its side gets the rest of what was for it', async () => {
  const hello = await helloOf({ servername: 'raw.test' })
  await door.rowAfter('connections', async () => {
    assert.equal(await answerTo(hello, true), Buffer.from('heard').toString('hex'))
  })
})

const unread: [what: string, bytes: () => Promise<Buffer> | Buffer, reason: string][] = [
  ['TLS without a name', () => helloOf({ servername: '' }), 'no name in the hello'],
  ['bytes that are neither TLS nor HTTP', () => Buffer.from('SSH-2.0-OpenSSH_9.9\r\n'), 'not TLS'],
]

for (const [what, bytes, reason] of unread) {
  test(`${what}: refused, unless policy says otherwise`, async () => {
    door.dialled({ address: '203.0.113.8', port: 443 })
    const row = await door.rowAfter('connections', async () => answerTo(await bytes()))
    assert.deepEqual([row['host'], row['port'], row['handling'], row['reason']], ['203.0.113.8', 443, 'deny', reason])
  })

  test(`${what}: relayed to the address that the client dialled, where policy says so`, async () => {
    await door.policy({ ...policy, unnamed: 'tunnel' })
    door.dialled({ address: '203.0.113.8', port: 443 })
    const row = await door.rowAfter('connections', async () => {
      assert.equal(await answerTo(await bytes(), true), Buffer.from('heard').toString('hex'))
    })
    assert.ok(listening.heard().length > 0)
    assert.deepEqual([row['host'], row['handling'], row['bytes_down']], ['203.0.113.8', 'tunnel', 5])
  })

  test(`${what}: nowhere to go where the system does not tell the address`, async () => {
    await door.policy({ ...policy, unnamed: 'tunnel' })
    door.dialled(undefined)
    const row = await door.rowAfter('connections', async () => answerTo(await bytes()))
    assert.deepEqual([row['host'], row['handling']], [null, 'deny'])
    assert.match(String(row['reason']), /the system does not tell/)
  })

  test(`${what}: an address that policy denies, or that may not be dialled, is not dialled for it`, async () => {
    await door.policy({ ...policy, unnamed: 'tunnel' })
    for (const [address, error] of [
      ['203.0.113.66', 'policy_denied'],
      ['10.1.2.3', 'address_not_allowed'],
      ['::1', 'address_not_allowed'],
    ] as const) {
      door.dialled({ address, port: 443 })
      const row = await door.rowAfter('connections', async () => answerTo(await bytes()))
      assert.deepEqual([row['host'], row['handling'], row['error']], [address, 'deny', error])
    }
  })
}

test('TLS without a name to an address that policy inspects is intercepted for the address', async () => {
  await door.policy({ ...policy, unnamed: 'tunnel' })
  door.dialled({ address: '203.0.113.7', port: 443 })
  const row = await door.rowAfter('connections', async () => {
    const client = await door.tls({ checkServerIdentity: () => undefined })
    const { raw } = client.tls.getPeerCertificate(true) as { raw: Buffer }
    assert.equal(new X509Certificate(raw).subjectAltName, 'IP Address:203.0.113.7')
    client.send('GET / HTTP/1.1\r\nHost: 203.0.113.7\r\n\r\n')
    assert.equal((await client.answer()).body, '/ for 203.0.113.7')
    client.close()
  })
  assert.deepEqual([row['host'], row['sni'], row['handling']], ['203.0.113.7', null, 'inspect'])
})

test('what cannot be inspected is not relayed to an address that policy inspects', async () => {
  await door.policy({ ...policy, unnamed: 'tunnel' })
  door.dialled({ address: '203.0.113.7', port: 443 })
  const row = await door.rowAfter('connections', () => answerTo('SSH-2.0-x\r\n'))
  assert.deepEqual([row['handling'], row['reason']], ['deny', 'not TLS'])
})

const unreadable: [what: string, change: (hello: Buffer) => Buffer][] = [
  ['a name with a space', (hello) => changed(hello, 'raw.test', 'raw test')],
  ['a name that some read as an address', (hello) => changed(hello, 'raw.test', '0x7f.0x1')],
  [
    'another message than a hello',
    (hello) => Buffer.concat([hello.subarray(0, 5), Buffer.from([2]), hello.subarray(6)]),
  ],
]

for (const [what, change] of unreadable) {
  test(`${what} is neither relayed nor intercepted`, async () => {
    await door.policy({ ...policy, unnamed: 'tunnel' })
    door.dialled({ address: '203.0.113.8', port: 443 })
    const row = await door.rowAfter('connections', async () =>
      answerTo(change(await helloOf({ servername: 'raw.test' }))),
    )
    assert.deepEqual([row['handling'], row['reason']], ['deny', 'not a valid ClientHello'])
  })
}

test('a client that says nothing, or half of something, is not relayed when its time is over', async () => {
  await door.policy({ ...policy, unnamed: 'tunnel' })
  door.dialled({ address: '203.0.113.8', port: 443 })
  for (const bytes of ['', 'GE', Buffer.from('160301', 'hex')]) {
    const row = await door.rowAfter('connections', async () => {
      assert.ok(['', 'ECONNRESET'].includes(await answerTo(bytes)))
    })
    assert.deepEqual([row['handling'], row['reason']], ['deny', 'no byte in time'])
  }
})

test('a client that leaves without a byte has a row', async () => {
  const row = await door.rowAfter('connections', () => answerTo('', true))
  assert.deepEqual([row['handling'], row['reason']], ['failed', 'closed before a request'])
})

test('a client that has refused our leaf before is relayed where policy says so', async () => {
  await door.policy({ ...policy, onRejectedLeaf: 'tunnel' })
  const row = await door.rowAfter('connections', async () => {
    const client = await door.raw()
    client.send(await helloOf({ servername: 'inspected.test', maxVersion: 'TLSv1.2' }))
    await client.until(6)
    // RFC 5246, 7.2: a fatal alert, unknown_ca.
    client.send(Buffer.from('15030300020230', 'hex'))
    await client.rest()
  })
  assert.deepEqual([row['handling'], row['reason']], ['rejected-leaf', 'alert unknown_ca'])
  await door.rowAfter('connections', async () => {
    assert.deepEqual(await asked('inspected.test', { ca: authority.cert }), {
      body: '/x for inspected.test',
      ours: false,
    })
  })
})

test('inside, Host has to agree with the name', async () => {
  await door.rowAfter('connections', async () => {
    const client = await door.tls({ servername: 'inspected.test', ca: door.ca })
    client.send('GET / HTTP/1.1\r\nHost: theirs.test\r\n\r\n')
    assert.equal((await client.answer()).status, 421)
    client.close()
  })
})

test('who is not allowed gets an alert on TLS and words on HTTP; programs of this machine are allowed', async () => {
  const config = { proxy: { allowClients: ['192.0.2.0/24'] } }
  const shut = await redirectedDoor({ config })
  const client = await shut.raw()
  client.send(await helloOf({ servername: 'raw.test' }))
  assert.equal(Buffer.from(await client.rest(), 'latin1').toString('hex'), accessDenied)
  const plain = await shut.raw()
  plain.send('GET / HTTP/1.1\r\nHost: raw.test\r\n\r\n')
  assert.equal((await plain.answer()).status, 403)
  const open = await redirectedDoor({ config, local: true })
  const mine = await open.raw()
  mine.send('GET / HTTP/1.1\r\n\r\n')
  assert.equal((await mine.answer()).status, 400)
  for (const one of [client, plain, mine]) one.close()
  await shut.close()
  await open.close()
})

function changed(hello: Buffer, from: string, to: string): Buffer {
  const copy = Buffer.from(hello)
  copy.write(to, copy.indexOf(from), 'latin1')
  return copy
}

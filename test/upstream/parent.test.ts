import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { bytesBody } from '../../src/http/body.ts'
import { formVia, parentProxy, unchallenged } from '../../src/upstream/parent.ts'
import { parentAddress } from '../../src/upstream/parent-url.ts'
import { resuming } from '../../src/upstream/secure.ts'
import { stamps } from '../../src/upstream/stamps.ts'
import type { Untold } from '../../src/upstream/stamps.ts'
import type { RawClient } from '../support/raw-client.ts'
import { scriptedOrigin } from '../support/scripted-origin.ts'

const origin = { host: 'a.test', port: 443 }
const limits = { connectTimeoutMs: 5_000 }
const ok = 'HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n'

async function behind(
  script: (connection: RawClient) => unknown,
  options: {
    readonly url?: string
    readonly own?: boolean
    readonly fields?: readonly string[]
    readonly hop?: string
  } = {},
) {
  const server = await scriptedOrigin(script)
  const untold: Untold[] = []
  const { make, flush } = stamps((about) => untold.push(about))
  const url = (options.url ?? 'http://parent.test').replace(/$/, `:${server.port}`)
  const parent = parentProxy({
    at: parentAddress(url),
    guard: async (_host, port) => ({ addresses: ['127.0.0.1'], port }),
    isOwn: () => options.own === true,
    hop: options.hop,
    secure: resuming(() => ({ id: '', context: createSecureContext() })),
    ...(options.fields === undefined
      ? {}
      : {
          sign: ({ host, port }) => ({
            fields: ['X-For', host, ...(options.fields ?? [])],
            stamp: make({ host, port, attestation: `for ${host}` }),
          }),
        }),
  })
  return { parent, server, untold, flush, [Symbol.asyncDispose]: async () => server.close() }
}

async function connected(peer: RawClient): Promise<string> {
  const head = await peer.until('\r\n\r\n')
  peer.send(ok)
  return head
}

test('a tunnel is asked for with what is needed and no more', async () => {
  for (const [url, fields, credentials] of [
    ['http://parent.test', [], ''],
    ['http://ana:x@parent.test', [], 'Proxy-Authorization: Basic YW5hOng=\r\n'],
    ['http://parent.test', ['X-Stamp', '1'], 'X-For: a.test\r\nX-Stamp: 1\r\n'],
  ] as const) {
    const seen = Promise.withResolvers<string>()
    await using one = await behind(async (peer) => seen.resolve(await connected(peer)), {
      url,
      fields: fields.length === 0 ? undefined : fields,
    } as never)
    const socket = await one.parent.tunnel(origin, limits)
    assert.equal(await seen.promise, `CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n${credentials}\r\n`)
    socket.destroy()
  }
})

test('the answer may come in any two pieces, and bytes behind it are the tunnel’s', async () => {
  for (let cut = 1; cut <= ok.length; cut += 1) {
    await using one = await behind(async (peer) => {
      await peer.until('\r\n\r\n')
      peer.send(ok.slice(0, cut))
      await new Promise((resolve) => setImmediate(resolve))
      peer.send(`${ok.slice(cut)}SSH-2.0`)
    })
    const socket = await one.parent.tunnel(origin, limits)
    let heard = ''
    while (heard.length < 7) heard += String(((await once(socket, 'data')) as [Buffer])[0])
    assert.equal(heard, 'SSH-2.0')
    socket.destroy()
  }
})

const misbehaviours: [what: string, url: string, script: (peer: RawClient) => unknown, words: RegExp][] = [
  ['closes at once', 'http://p.test', (peer) => peer.end(), /closed the connection/],
  ['resets', 'http://p.test', async (peer) => (await peer.until('\r\n\r\n'), peer.reset()), /closed|broke/],
  [
    'ends in the middle of its answer',
    'http://p.test',
    async (peer) => (await peer.until('\r\n\r\n'), peer.send(ok.slice(0, 20)), peer.end()),
    /closed the connection/,
  ],
  ['does not speak HTTP', 'http://p.test', (peer) => peer.send('SSH-2.0-x\r\n'), /does not speak HTTP/],
  [
    'answers without end',
    'http://p.test',
    (peer) => peer.send(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(99_999)}`),
    /no end/,
  ],
  [
    'forbids',
    'http://p.test',
    async (peer) => (await peer.until('\r\n\r\n'), peer.send('HTTP/1.1 403 <script>\r\n\r\n')),
    /a\.test:443 with 403 Forbidden$/,
  ],
  [
    'has no name for its refusal',
    'http://p.test',
    async (peer) => (await peer.until('\r\n\r\n'), peer.send('HTTP/1.1 599 No\r\n\r\n')),
    /with 599$/,
  ],
  [
    'wants credentials',
    'http://p.test',
    async (peer) => (await peer.until('\r\n\r\n'), peer.send('HTTP/1.1 407 No\r\n\r\n')),
    /wants credentials \(407\)/,
  ],
  [
    'does not accept them',
    'http://ana:sekret@p.test',
    async (peer) => (await peer.until('\r\n\r\n'), peer.send('HTTP/1.1 407 No\r\n\r\n')),
    /does not accept the credentials \(407\)/,
  ],
  [
    'switches protocols',
    'http://p.test',
    async (peer) => (await peer.until('\r\n\r\n'), peer.send('HTTP/1.1 101 No\r\n\r\n')),
    /with 101/,
  ],
  ['speaks no TLS', 'https://p.test', (peer) => peer.send('HTTP/1.1 400 Bad Request\r\n\r\n'), /does not speak TLS/],
  ['speaks HTTP', 'socks5://p.test', (peer) => peer.send('HTTP/1.1 400 Bad Request\r\n\r\n'), /does not speak SOCKS5/],
  [
    'closes after the greeting',
    'socks5://p.test',
    async (peer) => (await peer.until(3), peer.end()),
    /closed the connection/,
  ],
  [
    'takes no method',
    'socks5://p.test',
    async (peer) => (await peer.until(3), peer.send('\x05\xff')),
    /wants credentials/,
  ],
  [
    'takes no password',
    'socks5://ana:sekret@p.test',
    async (peer) => (await peer.until(4), peer.send('\x05\xff')),
    /takes no name and password/,
  ],
  [
    'chooses a password that was not offered',
    'socks5://p.test',
    async (peer) => (await peer.until(3), peer.send('\x05\x02')),
    /wants credentials/,
  ],
  [
    'refuses the password',
    'socks5://ana:sekret@p.test',
    async (peer) => (
      await peer.until(4),
      peer.send('\x05\x02'),
      await peer.until(12),
      peer.send('\x01\x01'),
      peer.end()
    ),
    /does not accept the credentials/,
  ],
  [
    'cannot reach the origin',
    'socks5://p.test',
    async (peer) => (
      await peer.until(3),
      peer.send('\x05\x00'),
      await peer.until(13),
      peer.send('\x05\x05'),
      peer.end()
    ),
    /a\.test:443 with: connection refused/,
  ],
]
for (const [what, url, script, words] of misbehaviours) {
  test(`a parent of ${url.split(':')[0]} that ${what} is told, and its connection ends`, async () => {
    const ended = Promise.withResolvers<void>()
    await using one = await behind(
      async (peer) => {
        peer.socket.on('close', () => ended.resolve())
        await script(peer)
      },
      { url },
    )
    await assert.rejects(one.parent.tunnel(origin, limits), (error: { code: string; message: string }) => {
      assert.equal(error.code, 'parent_proxy_failed')
      assert.match(error.message, words)
      assert.doesNotMatch(error.message, /sekret|script/)
      return true
    })
    await ended.promise
  })
}

test('a parent that says nothing is given up in time, and when nobody waits any more', async () => {
  for (const url of ['http://p.test', 'https://p.test', 'socks5://p.test']) {
    await using one = await behind(() => undefined, { url })
    await assert.rejects(one.parent.tunnel(origin, { connectTimeoutMs: 50 }), { code: 'upstream_timeout' })
    const gone = new AbortController()
    const waiting = one.parent.tunnel(origin, { ...limits, signal: gone.signal })
    setImmediate(() => gone.abort())
    await assert.rejects(waiting, { code: 'client_aborted' })
  }
})

test('a parent that is ourselves is not dialled', async () => {
  await using one = await behind(() => undefined, { own: true })
  await assert.rejects(one.parent.tunnel(origin, limits), { code: 'loop_detected' })
  assert.equal(one.server.connections(), 0)
})

test('requests that name their origin are for parents of HTTP, with the credentials', async () => {
  await using one = await behind(() => undefined, { url: 'http://ana:x@p.test' })
  assert.deepEqual(one.parent.plain?.form, { fields: ['Proxy-Authorization', 'Basic YW5hOng='] })
  const socket = await one.parent.plain?.open(limits)
  socket?.destroy()
  await using other = await behind(() => undefined, { url: 'socks5://p.test' })
  assert.equal(other.parent.plain, undefined)
})

test('the challenge of a parent is not for the client', () => {
  const answer = (status: number) => ({
    head: { status, reason: '', headers: [], version: '1.1' as const },
    body: bytesBody(Buffer.from('x')),
  })
  assert.equal(unchallenged(answer(401)).head.status, 401)
  assert.throws(() => unchallenged(answer(407)), { code: 'parent_proxy_failed' })
})

test('a stamp belongs to the connection that was asked for with it, and is told of when that ends or never comes', async () => {
  await using one = await behind(connected, { fields: ['X-Stamp', '1'] })
  const socket = await one.parent.tunnel(origin, limits)
  const stamp = one.parent.stampOf?.(socket)
  assert.equal(stamp?.attestation, 'for a.test')
  assert.equal(one.untold.length, 0)
  socket.destroy()
  await once(socket, 'close')
  const told = one.untold.map(({ at, ...about }) => [about, at instanceof Date])
  assert.deepEqual(told, [[{ host: 'a.test', port: 443, attestation: 'for a.test', error: undefined }, true]])

  await using refusing = await behind(
    async (peer) => {
      await peer.until('\r\n\r\n')
      peer.send('HTTP/1.1 403 Forbidden\r\n\r\n')
    },
    { fields: ['X-Stamp', '1'] },
  )
  await assert.rejects(refusing.parent.tunnel(origin, limits), { code: 'parent_proxy_failed' })
  assert.deepEqual(
    refusing.untold.map(({ error }) => error?.code),
    ['parent_proxy_failed'],
  )
})

test('what was never sent has no stamp', async () => {
  await using one = await behind(() => undefined, { fields: ['X-Stamp', '1'], own: true })
  await assert.rejects(one.parent.tunnel(origin, limits), { code: 'loop_detected' })
  one.flush()
  assert.equal(one.untold.length, 0)
})

test('the parent is told the way that led here, or that it began with us', async () => {
  for (const [via, told] of [
    [undefined, 'us'],
    ['them, us', 'them, us'],
  ] as const) {
    const seen = Promise.withResolvers<string>()
    await using one = await behind(async (peer) => seen.resolve(await connected(peer)), { hop: 'us' })
    const socket = await one.parent.tunnel(origin, { ...limits, ...(via === undefined ? {} : { via }) })
    assert.match(await seen.promise, new RegExp(`\\r\\nSallyport-Via: ${told}\\r\\n`))
    socket.destroy()
  }
  await using plain = await behind(() => undefined, { hop: 'us' })
  const form = plain.parent.plain?.form ?? { fields: [] }
  assert.deepEqual(form.fields, ['Connection', 'Sallyport-Via', 'Sallyport-Via', 'us'])
  assert.deepEqual(formVia(form, 'them, us').fields, ['Connection', 'Sallyport-Via', 'Sallyport-Via', 'them, us'])
})

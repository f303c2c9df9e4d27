import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { dialTcp, startTls } from '../../src/upstream/dial.ts'
import { testAuthority } from '../support/authority.ts'
import { startOrigin, type OriginOptions } from '../support/origin.ts'

const authority = testAuthority()
const context = createSecureContext({ ca: authority.cert })
const soon = { connectTimeoutMs: 5_000 }

async function listening(
  onSocket: (socket: Socket) => void = () => undefined,
): Promise<{ server: Server; port: number }> {
  const server = createServer(onSocket).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

test('the first address that answers is taken, and the name is not looked up', async () => {
  const { server, port } = await listening()
  for (const addresses of [['127.0.0.1'], ['127.0.0.9', '127.0.0.1'], ['::1', '127.0.0.1']]) {
    const socket = await dialTcp('name.invalid', { addresses, port }, soon)
    assert.equal(socket.remoteAddress, '127.0.0.1')
    socket.destroy()
  }
  server.close()
})

test('the signal ends the dialling, and not the connection', async () => {
  const { server, port } = await listening()
  const gone = new AbortController()
  const route = { addresses: ['127.0.0.1'], port }
  const socket = await dialTcp('a.test', route, { ...soon, signal: gone.signal })
  const dialling = dialTcp('a.test', route, { ...soon, signal: gone.signal })
  gone.abort()
  await assert.rejects(dialling, { code: 'client_aborted' })
  await assert.rejects(dialTcp('a.test', route, { ...soon, signal: gone.signal }), { code: 'client_aborted' })
  assert.equal(socket.destroyed, false)
  socket.destroy()
  server.close()
})

test('an address that is dead or silent does not keep from one that answers, whichever comes first', async () => {
  const { server, port } = await listening()
  await using silent = await silentAddress(port)
  for (const addresses of [
    [silent.address, '127.0.0.1'],
    [silent.address, '::1', '127.0.0.3', '127.0.0.1'],
    ['127.0.0.1', silent.address],
    ['::1', silent.address, '127.0.0.1'],
  ]) {
    const socket = await dialTcp('a.test', { addresses, port }, soon)
    assert.equal(socket.remoteAddress, '127.0.0.1', addresses.join())
    socket.destroy()
  }
  server.close()
})

test('a slow address is waited for while others are tried', async () => {
  const { server, port } = await listening()
  await using silent = await silentAddress(port)
  // It answers once the program behind it goes on, which is after the other has failed.
  const dialling = dialTcp('a.test', { addresses: [silent.address, '127.0.0.3'], port }, { connectTimeoutMs: 20_000 })
  setTimeout(silent.wake, 600)
  const socket = await dialling
  assert.equal(socket.remoteAddress, silent.address)
  socket.destroy()
  server.close()
})

test('addresses that are all silent are given up in time, all together', async () => {
  const { server, port } = await listening()
  server.close()
  await once(server, 'close')
  await using silent = await silentAddress(port)
  const addresses = [silent.address, silent.address, silent.address]
  await assert.rejects(dialTcp('a.test', { addresses, port }, { connectTimeoutMs: 300 }), {
    code: 'upstream_timeout',
    message: 'no connection to a.test:' + port + ' in 300 ms',
  })
})

test('what is wrong with each address is told once', async () => {
  const { server, port } = await listening()
  server.close()
  await once(server, 'close')
  const addresses = ['127.0.0.1', '::1', '127.0.0.2', '255.255.255.255']
  await assert.rejects(dialTcp('a.test', { addresses, port }, soon), (error: { code: string; message: string }) => {
    assert.equal(error.code, 'upstream_unreachable')
    assert.equal(error.message.match(/ECONNREFUSED/g)?.length, 1)
    assert.match(error.message, /, E[A-Z]+|E[A-Z]+, /)
    return true
  })
  await assert.rejects(dialTcp('a.test', { addresses: [], port }, soon), {
    code: 'upstream_unreachable',
    message: /no address/,
  })
})

test('an address where nobody listens is unreachable', async () => {
  const { server, port } = await listening()
  server.close()
  await once(server, 'close')
  for (const addresses of [['127.0.0.1'], ['127.0.0.1', '127.0.0.2']]) {
    await assert.rejects(dialTcp('a.test', { addresses, port }, soon), {
      code: 'upstream_unreachable',
      message: /a\.test:\d+: ECONNREFUSED$/,
    })
  }
})

/** An address where the port listens and takes no connection, until the program behind it is woken: its queue is full. */
async function silentAddress(port: number) {
  const address = '127.0.0.77'
  const program = `require('net').createServer(() => {}).listen({ port: ${port}, host: '${address}', backlog: 1 }, () => console.log('up'))`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGSTOP')
  const filling = Array.from({ length: 8 }, () => connect({ port, host: address }).on('error', () => undefined))
  await once(filling[0] as Socket, 'connect')
  await once(filling[1] as Socket, 'connect')
  return {
    address,
    wake: () => void child.kill('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      for (const socket of filling) socket.destroy()
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

const handshake = async (options: OriginOptions, host: string, given: { alpn?: string[] } = {}) => {
  const origin = await startOrigin(() => undefined, options)
  try {
    const socket = await dialTcp(host, { addresses: ['127.0.0.1'], port: origin.port }, soon)
    const secure = await startTls(socket, host, { context, alpn: given.alpn ?? ['http/1.1'], ...soon })
    const { alpnProtocol, authorized } = secure
    secure.destroy()
    return { alpnProtocol, authorized }
  } finally {
    await origin.close()
  }
}

test('TLS is checked against the trusted roots, and the protocol is agreed on', async () => {
  const options = { authority, names: ['a.test', '127.0.0.1'] }
  assert.deepEqual(await handshake(options, 'a.test'), { alpnProtocol: 'http/1.1', authorized: true })
  assert.deepEqual(await handshake(options, 'a.test', { alpn: ['h2', 'http/1.1'] }), {
    alpnProtocol: 'h2',
    authorized: true,
  })
  assert.deepEqual(await handshake(options, '127.0.0.1'), { alpnProtocol: 'http/1.1', authorized: true })
})

const refused: [what: string, options: OriginOptions, code: string][] = [
  ['for another name', { authority, names: ['b.test'] }, 'upstream_certificate_invalid'],
  ['of an unknown authority', { authority: testAuthority(), names: ['a.test'] }, 'upstream_certificate_invalid'],
  [
    'that has expired',
    { identity: authority.issue(['a.test'], { notBefore: -7_200_000, notAfter: -3_600_000 }) },
    'upstream_certificate_invalid',
  ],
  ['for clients', { identity: authority.issue(['a.test'], { usage: 'client' }) }, 'upstream_certificate_invalid'],
]
for (const [what, options, code] of refused) {
  test(`a certificate ${what} is not accepted`, async () => {
    await assert.rejects(handshake(options, 'a.test'), { code })
  })
}

test('an origin that shares no protocol is told by its alert', async () => {
  await assert.rejects(handshake({ authority, names: ['a.test'], alpn: ['h2'] }, 'a.test'), {
    code: 'upstream_tls_failed',
    message: /no application protocol/i,
  })
})

test('an origin that speaks no TLS, leaves, or says nothing fails in time', async () => {
  const behaviours: [(socket: Socket) => void, string][] = [
    [(socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), 'upstream_tls_failed'],
    [(socket) => socket.on('error', () => undefined).once('data', () => socket.destroy()), 'upstream_tls_failed'],
    [() => undefined, 'upstream_timeout'],
  ]
  for (const [behave, code] of behaviours) {
    const { server, port } = await listening(behave)
    const socket = await dialTcp('a.test', { addresses: ['127.0.0.1'], port }, soon)
    await assert.rejects(
      startTls(socket, 'a.test', { context, alpn: [], connectTimeoutMs: code === 'upstream_timeout' ? 50 : 5_000 }),
      { code },
    )
    server.close()
  }
})

test('a handshake that nobody waits for any more is given up', async () => {
  const { server, port } = await listening()
  const gone = new AbortController()
  const socket = await dialTcp('a.test', { addresses: ['127.0.0.1'], port }, soon)
  const waiting = startTls(socket, 'a.test', { context, alpn: [], ...soon, signal: gone.signal })
  gone.abort()
  await assert.rejects(waiting, { code: 'client_aborted' })
  server.close()
})

import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { addressText, listen } from '../../src/app/listen.ts'
import { SallyportError } from '../../src/core/errors.ts'
import { freePorts } from '../support/free-ports.ts'

test('port 0 is any free port, and the address says which', async () => {
  const server = createServer()
  const address = await listen(server, { host: '127.0.0.1', port: 0 })
  assert.ok(address.port > 0)
  assert.deepEqual(server.address(), { address: '127.0.0.1', port: address.port, family: 'IPv4' })
  assert.equal(server.listenerCount('error'), 0)
  server.close()
})

test('an empty host is every interface', async () => {
  const [port = 0] = await freePorts(1)
  const server = createServer()
  assert.deepEqual(await listen(server, { host: '', port }), { host: '', port })
  const other = createServer()
  await assert.rejects(listen(other, { host: '127.0.0.1', port }), { code: 'address_in_use' })
  server.close()
})

test('a taken address is address_in_use, and one that cannot be had is config_invalid with a hint', async () => {
  const first = createServer()
  const taken = await listen(first, { host: '127.0.0.1', port: 0 })
  await assert.rejects(listen(createServer(), taken), {
    code: 'address_in_use',
    message: `127.0.0.1:${taken.port} is in use`,
  })
  first.close()
  // TEST-NET-1: of no interface here.
  await assert.rejects(listen(createServer(), { host: '192.0.2.1', port: 0 }), (error) => {
    assert.ok(error instanceof SallyportError)
    assert.equal(error.code, 'config_invalid')
    assert.match(error.message, /^cannot listen on 192\.0\.2\.1:0: EADDRNOTAVAIL$/)
    assert.notEqual(error.hint, '')
    return true
  })
})

const spellings: [host: string, text: string][] = [
  ['127.0.0.1', '127.0.0.1:3128'],
  ['localhost', 'localhost:3128'],
  ['::1', '[::1]:3128'],
  ['', '[::]:3128'],
]

for (const [host, text] of spellings) {
  test(`port 3128 of the host "${host}" is written ${text}`, () => {
    assert.equal(addressText({ host, port: 3128 }), text)
  })
}

test('processes that listen apart share a port, and one that does not finds it taken', async (t) => {
  if (process.platform !== 'linux') return t.skip('it is for Linux')
  const [port = 0] = await freePorts(1)
  const servers = [createServer(), createServer(), createServer()] as const
  const at = { host: '127.0.0.1', port }
  assert.deepEqual(await listen(servers[0], at, true), at)
  assert.deepEqual(await listen(servers[1], at, true), at)
  await assert.rejects(listen(servers[2], at), { code: 'address_in_use' })
  for (const server of servers.slice(0, 2)) server.close()
})

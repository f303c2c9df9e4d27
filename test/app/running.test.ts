import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { runningProxy } from '../../src/app/running.ts'
import { configIn } from '../support/app.ts'

const told = { ca: 'abc', proxy: ['127.0.0.1:3128', '[::1]:3128'], auth: 'none' }

const answers: [what: string, status: number, body: string, found: string | undefined][] = [
  ['an instance with this authority', 200, JSON.stringify(told), '127.0.0.1:3128'],
  ['an instance with another authority', 200, JSON.stringify({ ...told, ca: 'abd' }), undefined],
  ['an instance that asks for credentials', 200, JSON.stringify({ ...told, auth: 'basic' }), undefined],
  ['an instance that asks for client certificates', 200, JSON.stringify({ ...told, auth: 'mtls' }), undefined],
  ['an instance that is not ready', 503, JSON.stringify(told), undefined],
  ['an instance without a proxy', 200, JSON.stringify({ ...told, proxy: [] }), undefined],
  ['another program', 200, '<html>', undefined],
  ['a program that tells without end', 200, 'x'.repeat(200_000), undefined],
]

for (const [what, status, body, found] of answers) {
  test(`${what} on the console's address gives ${found ?? 'no proxy'}`, async () => {
    const server = createServer((_request, response) => {
      response.writeHead(status)
      response.end(body)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const config = configIn(undefined, { console: { listen: [`127.0.0.1:${port}`] } })
    assert.equal(await runningProxy(config, 'abc'), found)
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
    assert.equal(await runningProxy(config, 'abc'), undefined)
  })
}

test('an address without a port is asked nothing', async () => {
  assert.equal(await runningProxy(configIn(), 'abc'), undefined)
})

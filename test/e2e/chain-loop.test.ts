import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { rawClient, throughProxy } from '../support/raw-client.ts'
import { freePorts } from '../support/free-ports.ts'
import { installSallyport, runSallyport, serve, type Installation, type Sallyport } from '../support/sallyport.ts'

// Each is the other's parent: a way that never ends.
const policies = {
  'a.yaml': {
    intercept: [
      { hosts: ['tunnel.test'], action: 'tunnel' },
      { hosts: ['*.test'], action: 'inspect' },
    ],
  },
}
let one: Sallyport
let other: Sallyport

before(async () => {
  const [a, b] = (await freePorts(2)) as [number, number]
  const install = (own: number, parent: number): Promise<Installation> => {
    const upstream = { proxy: `http://127.0.0.1:${parent}`, ca: ['other.pem'] }
    return installSallyport({ policies, config: { proxy: { listen: `127.0.0.1:${own}` }, upstream } })
  }
  const installed = [await install(a, b), await install(b, a)] as const
  for (const { dir, file } of installed) await runSallyport(['ca', 'init', '-c', file], dir)
  for (const [i, { dir }] of installed.entries()) writeFileSync(join(dir, 'other.pem'), installed[1 - i]?.ca() ?? '')
  one = await serve(installed[0])
  other = await serve(installed[1])
})
after(async () => {
  await one?.[Symbol.asyncDispose]()
  await other?.[Symbol.asyncDispose]()
})

const portOf = ({ file }: Sallyport): number =>
  Number(/listen: 127\.0\.0\.1:(\d+)/.exec(readFileSync(file, 'utf8'))?.[1])
const loops = ({ rows }: Sallyport, table: 'exchanges' | 'connections', host: string): number =>
  rows(table).filter((row) => row['host'] === host && row['error'] === 'loop_detected').length

test('a tunnel that comes back is refused, and nobody waits for it', async () => {
  const client = await rawClient(portOf(one))
  client.send('CONNECT tunnel.test:443 HTTP/1.1\r\nHost: tunnel.test:443\r\n\r\n')
  const answer = await client.answer()
  assert.deepEqual([answer.status, answer.header('sallyport-error')], [502, 'parent_proxy_failed'])
  client.close()
  await one.rowsWhen('connections', () => loops(one, 'connections', 'tunnel.test') === 1)
  assert.equal(loops(other, 'connections', 'tunnel.test'), 0)
})

test('so is an inspected connection, whichever of them it came to', async () => {
  for (const [near, far, host] of [
    [one, other, 'a.test'],
    [other, one, 'b.test'],
  ] as const) {
    const client = await throughProxy(portOf(near), { ca: near.ca(), target: `${host}:443`, alpn: ['http/1.1'] })
    client.send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    assert.deepEqual((await client.answer()).header('sallyport-error'), 'parent_proxy_failed')
    client.close()
    await near.rowsWhen('connections', () => loops(near, 'connections', host) === 1)
    assert.equal(loops(far, 'connections', host), 0)
  }
})

test('so is plain HTTP', async () => {
  const client = await rawClient(portOf(one))
  client.send('GET http://plain.test/ HTTP/1.1\r\nHost: plain.test\r\n\r\n')
  const answer = await client.answer()
  assert.equal(answer.status, 508, answer.body)
  client.close()
  await one.rowsWhen('exchanges', () => loops(one, 'exchanges', 'plain.test') === 1)
  for (const some of [one, other])
    assert.ok(some.rows('exchanges').filter((row) => row['host'] === 'plain.test').length <= 2)
})

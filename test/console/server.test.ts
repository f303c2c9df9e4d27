import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { consoleDoor } from '../../src/console/server.ts'
import type { ConsoleParts, Health } from '../../src/console/server.ts'
import { rawClient } from '../support/raw-client.ts'

const well: Health = { ready: true, reasons: [], warnings: [], facts: { policy: 'abc', auth: 'none' } }

test('healthz says alive, whatever else is wrong', async (t) => {
  const { ask } = await door(t, {
    health: () => {
      throw new Error('made up')
    },
  })
  assert.deepEqual(await ask('/healthz'), { status: 200, value: { status: 'alive' } })
})

test('readyz says ready, with what is known of the process', async (t) => {
  const { ask } = await door(t, { health: async () => ({ ...well, warnings: ['policies: old'] }) })
  assert.deepEqual(await ask('/readyz'), {
    status: 200,
    value: { status: 'ready', reasons: [], warnings: ['policies: old'], policy: 'abc', auth: 'none' },
  })
})

test('readyz is 503 with every reason when the process is not ready', async (t) => {
  const reasons = ['ledger: cannot be written', 'ca: expires within 7 days']
  const { ask } = await door(t, { health: () => ({ ...well, ready: false, reasons }) })
  const { status, value } = await ask('/readyz?verbose')
  assert.deepEqual([status, value['status'], value['reasons']], [503, 'not ready', reasons])
})

test('health that cannot be told is no answer, and the door serves on', async (t) => {
  let broken = true
  const { ask } = await door(t, {
    health: () => {
      if (broken) throw new Error('made up')
      return well
    },
  })
  await assert.rejects(ask('/readyz'))
  broken = false
  assert.equal((await ask('/readyz')).status, 200)
})

test('metrics need no token on loopback', async (t) => {
  const { origin } = await door(t, {})
  const answer = await fetch(`${origin}/metrics`)
  assert.deepEqual(
    [answer.status, answer.headers.get('content-type'), await answer.text()],
    [200, 'text/plain; version=0.0.4', 'some_metric 1\n'],
  )
})

const credentials: [authorization: string | undefined, status: number][] = [
  [undefined, 401],
  ['', 401],
  ['Bearer', 401],
  ['Bearer other', 401],
  ['Bearer the-token-x', 401],
  ['Basic the-token', 401],
  ['Bearer the-token', 200],
  ['bearer the-token', 200],
]

for (const [authorization, status] of credentials) {
  test(`elsewhere metrics asked for with ${authorization ?? 'nothing'} are ${status}`, async (t) => {
    const { ask } = await door(t, { local: false })
    const headers = authorization === undefined ? {} : { authorization }
    assert.equal((await ask('/metrics', { headers })).status, status)
    assert.equal((await ask('/readyz')).status, 200)
  })
}

test('an empty token lets nobody in', async (t) => {
  const { ask } = await door(t, { local: false, token: () => '' })
  for (const headers of [{}, { authorization: 'Bearer' }, { authorization: 'Bearer ' }] as Record<string, string>[])
    assert.equal((await ask('/metrics', { headers })).status, 401)
})

test('only reading is allowed, and of a HEAD the body stays away', async (t) => {
  const { ask, origin } = await door(t, {})
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const answer = await fetch(`${origin}/metrics`, { method })
    assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET, HEAD'])
    await answer.body?.cancel()
  }
  const head = await fetch(`${origin}/healthz`, { method: 'HEAD' })
  assert.deepEqual([head.status, await head.text()], [200, ''])
  assert.deepEqual(await ask('/', { method: 'GET' }), {
    status: 200,
    value: { name: 'sallyport', see: ['/healthz', '/readyz', '/metrics'] },
  })
})

test('other paths are not found, also such as every object has', async (t) => {
  const { ask, port } = await door(t, {})
  for (const path of ['/nothing', '/readyz/', '//readyz', '/__proto__', '/constructor'])
    assert.deepEqual(await ask(path), { status: 404, value: { error: 'not_found' } }, path)
  const client = await rawClient(port)
  client.send('GET http:constructor HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  assert.match((await client.rest()).toString(), /^HTTP\/1\.1 40[04] /)
})

type Answer = { readonly status: number; readonly value: Record<string, unknown> }

async function door(t: TestContext, over: Partial<ConsoleParts>) {
  const server = consoleDoor({
    health: () => well,
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4', body: 'some_metric 1\n' }),
    token: () => 'the-token',
    local: true,
    ...over,
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  const ask = async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const answer = await fetch(`${origin}${path}`, init)
    const text = await answer.text()
    return { status: answer.status, value: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {} }
  }
  return { origin, port, ask }
}

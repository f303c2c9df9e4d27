import assert from 'node:assert/strict'
import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import test from 'node:test'
import tls from 'node:tls'
import { nextTurn } from '../../src/lib/async.ts'
import { createAuthority } from '../../src/tls/ca.ts'
import { intercept } from '../../src/tls/intercept.ts'
import { leafCache } from '../../src/tls/leaf-cache.ts'
import { tempFolder } from '../support/temp.ts'

const HOUR = 3_600_000
const start = Math.floor(Date.now() / 86_400_000) * 86_400_000
const authority = await createAuthority({
  dir: tempFolder('leaves'),
  passphrase: null,
  now: start,
  permitted: ['*.example'],
  name: 'leaves',
})

test('a name is minted once under a stampede, and served from memory after', async () => {
  const { cache, uses } = watched()
  const contexts = await Promise.all(Array.from({ length: 40 }, () => cache.contextFor('a.example')))
  assert.equal(new Set(contexts).size, 1)
  assert.equal(await cache.contextFor('A.Example'), contexts[0])
  assert.deepEqual(uses, ['minted', 'hit'])
})

test('the names used longest ago are forgotten', async () => {
  const { cache, uses } = watched({ max: 2 })
  for (const name of ['a.example', 'b.example', 'a.example', 'c.example', 'a.example', 'b.example']) {
    await cache.contextFor(name)
  }
  assert.deepEqual(uses, ['minted', 'minted', 'hit', 'minted', 'hit', 'minted'])
  assert.equal(cache.size(), 2)
})

test('past half its life a leaf still serves while a new one is made, once', async () => {
  const { cache, uses, clock } = watched({ hours: 8 })
  const first = await cache.contextFor('a.example')
  clock.now += 3 * HOUR
  assert.equal(await cache.contextFor('a.example'), first)
  assert.deepEqual(uses.splice(0), ['minted', 'hit'])
  clock.now += 2 * HOUR
  const [second, third] = await Promise.all([cache.contextFor('a.example'), cache.contextFor('a.example')])
  assert.deepEqual([second, third], [first, first])
  await nextTurn()
  await nextTurn()
  assert.notEqual(await cache.contextFor('a.example'), first)
  assert.deepEqual(uses, ['hit', 'hit', 'minted', 'hit'])
})

test('an expired leaf is never handed out', async () => {
  const { cache, clock } = watched({ hours: 8 })
  const first = await cache.contextFor('a.example')
  clock.now += 9 * HOUR
  assert.notEqual(await cache.contextFor('a.example'), first)
})

test('on a new day keys are new, without waiting for half the life', async () => {
  const { cache, uses, clock } = watched({ hours: 72 })
  await cache.contextFor('a.example')
  clock.now += 25 * HOUR
  await cache.contextFor('a.example')
  await nextTurn()
  await nextTurn()
  assert.deepEqual(uses, ['minted', 'hit', 'minted'])
})

test('a name that may not be minted is refused each time, and not remembered', async () => {
  const { cache, uses } = watched()
  await assert.rejects(cache.contextFor('a.other'), { code: 'ca_not_permitted' })
  await assert.rejects(cache.contextFor('a.other'), { code: 'ca_not_permitted' })
  assert.deepEqual(uses, ['failed', 'failed'])
  assert.equal(cache.size(), 0)
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a session of one process is resumed by another on ${version}, also after the leaf was minted anew`, async (t) => {
    const first = await served(t, watched().cache)
    const second = await served(t, watched().cache)
    const { session, reused } = await visit(first, version)
    assert.equal(reused, false)
    assert.ok(session)
    assert.equal((await visit(second, version, session)).reused, true)
  })
}

test('a session of yesterday is not resumed', async (t) => {
  const first = await served(t, watched().cache)
  const later = watched()
  later.clock.now += 25 * HOUR
  const second = await served(t, later.cache)
  const { session } = await visit(first, 'TLSv1.3')
  assert.equal((await visit(second, 'TLSv1.3', session)).reused, false)
})

function watched(options: { hours?: number; max?: number } = {}) {
  const uses: string[] = []
  const clock = { now: start + HOUR }
  const cache = leafCache({
    authority,
    hours: 72,
    now: () => clock.now,
    onUse: (outcome) => uses.push(outcome),
    ...options,
  })
  return { cache, uses, clock }
}

/** Serves as a process of ours does: TLS on an accepted socket, with a context from the cache. */
async function served(t: test.TestContext, cache: ReturnType<typeof leafCache>): Promise<number> {
  const context = await cache.contextFor('a.example')
  const server = net.createServer(async (accepted) => {
    const outcome = await intercept(accepted, { context, alpn: ['http/1.1'], timeoutMs: 10_000 })
    if (outcome.kind === 'secure') outcome.socket.end('hello')
  })
  t.after(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function visit(
  port: number,
  version: tls.SecureVersion,
  session?: Buffer,
): Promise<{ session: Buffer | undefined; reused: boolean }> {
  const socket = tls.connect({
    host: '127.0.0.1',
    port,
    servername: 'a.example',
    minVersion: version,
    maxVersion: version,
    // The cache's clock is not the client's.
    rejectUnauthorized: false,
    session,
  })
  let ticket: Buffer | undefined
  let reused = false
  socket.on('secureConnect', () => (reused = socket.isSessionReused()))
  socket.on('session', (fresh) => (ticket = fresh))
  socket.resume()
  await once(socket, 'close')
  return { session: ticket, reused }
}

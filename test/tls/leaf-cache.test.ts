import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import { join } from 'node:path'
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

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a session for one name is not resumed for another on ${version}`, async (t) => {
    const { cache } = watched()
    const first = await served(t, cache)
    const second = await served(t, cache, 'b.example')
    const { session } = await visit(first, version)
    assert.ok(session)
    assert.equal((await visit(second, version, session)).reused, false)
    assert.equal((await visit(first, version, session)).reused, true)
  })
}

test('a session is resumed after the leaf of its name was minted anew in the same process', async (t) => {
  const { cache, uses, clock } = watched({ hours: 8 })
  const { session } = await visit(await served(t, cache), 'TLSv1.3')
  clock.now += 5 * HOUR
  const before = await cache.contextFor('a.example')
  await nextTurn()
  await nextTurn()
  assert.deepEqual(uses, ['minted', 'hit', 'minted'])
  assert.notEqual(await cache.contextFor('a.example'), before)
  assert.equal((await visit(await served(t, cache), 'TLSv1.3', session)).reused, true)
})

test('early data is not taken, and no ticket invites it', { skip: noOpenssl() }, async (t) => {
  const port = await served(t, watched().cache)
  const file = join(tempFolder('early'), 'session.pem')
  const early = join(tempFolder('early'), 'early')
  writeFileSync(early, 'POST / HTTP/1.1\r\n\r\n')
  const client = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'a.example', '-tls1_3', '-ign_eof']
  await run('openssl', [...client, '-sess_out', file])
  const ticket = await run('openssl', ['sess_id', '-in', file, '-noout', '-text'])
  assert.match(ticket.stdout, /Max Early Data: 0\b/)
  const { stdout } = await run('openssl', [...client, '-sess_in', file, '-early_data', early])
  assert.match(stdout, /^Reused, TLSv1\.3/m)
  assert.match(stdout, /Early data was (not sent|rejected)/)
})

test('no secrets of a session are written where SSLKEYLOGFILE says', async (t) => {
  const file = join(tempFolder('keylog'), 'keys')
  process.env['SSLKEYLOGFILE'] = file
  t.after(() => delete process.env['SSLKEYLOGFILE'])
  await visit(await served(t, watched().cache), 'TLSv1.3')
  assert.equal(existsSync(file), false)
})

test('two hundred connections for one new name at the same time share one leaf', async (t) => {
  const { cache, uses } = watched()
  const port = await served(t, () => cache.contextFor('d.example'))
  const visits = await Promise.all(Array.from({ length: 200 }, () => visit(port, 'TLSv1.3')))
  assert.equal(new Set(visits.map(({ serial }) => serial)).size, 1)
  assert.deepEqual(uses.filter((use) => use === 'minted').length, 1)
})

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
async function served(
  t: test.TestContext,
  from: ReturnType<typeof leafCache> | (() => Promise<tls.SecureContext>),
  name = 'a.example',
): Promise<number> {
  const context = typeof from === 'function' ? undefined : await from.contextFor(name)
  const server = net.createServer(async (socket) => {
    const leaf = context ?? (await (from as () => Promise<tls.SecureContext>)())
    const outcome = await intercept(socket, { context: leaf, alpn: ['http/1.1'], timeoutMs: 10_000 })
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
): Promise<{ session: Buffer | undefined; reused: boolean; serial: string | undefined }> {
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
  let serial: string | undefined
  socket.on('secureConnect', () => {
    reused = socket.isSessionReused()
    serial = socket.getPeerX509Certificate()?.serialNumber
  })
  socket.on('session', (fresh) => (ticket = fresh))
  socket.resume()
  await once(socket, 'close')
  return { session: ticket, reused, serial }
}

/** Runs a command whose standard input is empty; its status says nothing here. */
function run(command: string, args: readonly string[]): Promise<{ stdout: string }> {
  return new Promise((resolve) => {
    const child = execFile(command, args, { timeout: 60_000 }, (_error, stdout) => resolve({ stdout }))
    child.stdin?.end()
  })
}

function noOpenssl(): string | false {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' })
    return false
  } catch {
    return 'no openssl on this machine'
  }
}

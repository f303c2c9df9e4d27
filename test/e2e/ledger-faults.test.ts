import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { testAuthority } from '../support/authority.ts'
import { killOrigin, startLoad } from '../support/kill-load.ts'
import { startOrigin } from '../support/origin.ts'
import { throughProxy } from '../support/raw-client.ts'
import {
  installSallyport,
  serve,
  type Installation,
  type Sallyport,
  type SallyportOptions,
} from '../support/sallyport.ts'
import { fill, rowsSeenBy, seenBy, whyNoMounts, withDisk } from '../support/small-disk.ts'

const host = 'api.openai.com'
const skip = whyNoMounts()

type Scene = { installation: Installation; seen: () => string[] }

// Each waits for the recorder's patience to end.
suite('a disk that is full', { skip, concurrency: true }, () => {
  test('stops traffic with a reason, goes on by itself when there is room, and nothing that was forwarded is missing', async () => {
    await using scene = await sceneWith({ whenUnavailable: 'block' })
    await using sallyport = await serveOnDisk(scene.installation, 'size=12m')
    assert.equal((await ask(sallyport, '/v1/small/before')).status, 200)
    const makeRoom = fill(seenBy(sallyport.child.pid as number, join(sallyport.dir, 'data')))
    const refused = await ask(sallyport, '/v1/small/full')
    assert.deepEqual([refused.status, refused.header('sallyport-error')], [503, 'ledger_unavailable'])
    const ready = await sallyport.get('/readyz')
    assert.equal(ready.status, 503)
    assert.match(ready.body, /ledger: cannot be written: database or disk is full/)
    makeRoom()
    await untilReady(sallyport)
    assert.equal((await ask(sallyport, '/v1/small/after')).status, 200)
    await recorded(sallyport, scene.seen)
    const kinds = eventsOf(sallyport).map(({ what }) => what)
    assert.ok(kinds.includes('ledger.recovered') && kinds.includes('ledger.gap'), kinds.join())
  })

  test('lets traffic through where the operator says so, and tells how much once there is room', async () => {
    await using scene = await sceneWith({ whenUnavailable: 'allow' })
    await using sallyport = await serveOnDisk(scene.installation, 'size=12m')
    assert.equal((await ask(sallyport, '/v1/small/before')).status, 200)
    const makeRoom = fill(seenBy(sallyport.child.pid as number, join(sallyport.dir, 'data')))
    for (let i = 0; i < 3; i += 1) assert.equal((await ask(sallyport, `/v1/small/full${i}`)).status, 200)
    const { body } = await sallyport.get('/metrics')
    assert.match(body, /^sallyport_ledger_unrecorded_total [1-3]$/m)
    makeRoom()
    await untilReady(sallyport)
    await recorded(sallyport, scene.seen)
    const gap = eventsOf(sallyport).find(({ what }) => what === 'ledger.gap')
    const { exchanges, refused } = JSON.parse(gap?.after ?? '{}') as Record<string, number>
    assert.ok(exchanges !== undefined && exchanges >= 1 && exchanges <= 3)
    assert.equal(refused, 0)
    assert.match(gap?.before ?? '', /full/)
  })

  test('that fills and empties under load costs no request its row', async () => {
    await using scene = await sceneWith({ whenUnavailable: 'block' })
    await using sallyport = await serveOnDisk(scene.installation, 'size=24m')
    const data = seenBy(sallyport.child.pid as number, join(sallyport.dir, 'data'))
    const load = startLoad(sallyport.proxyPort, { host, ca: sallyport.ca(), clients: 6 })
    for (let round = 0; round < 3; round += 1) {
      const before = load.answered()
      while (load.answered() < before + 10) await delay(5)
      const makeRoom = fill(data)
      await delay(round * 300)
      makeRoom()
    }
    await load.stop()
    await untilReady(sallyport)
    await recorded(sallyport, scene.seen)
    assert.equal(await sallyport.stop(), 0)
  })
})

test('on a disk that cannot be written it does not start, and says why', { skip }, async () => {
  await using scene = await sceneWith({})
  const { installation } = scene
  await assert.rejects(
    serve(installation, {}, withDisk(join(installation.dir, 'data'), 'size=1m,ro')),
    (thrown: Error) => {
      assert.match(thrown.message, /error: .*(?:EROFS|read-only)/s)
      assert.match(thrown.message, /hint: /)
      return true
    },
  )
})

async function sceneWith(audit: SallyportOptions['config'] & object): Promise<Scene & AsyncDisposable> {
  const authority = testAuthority()
  const origin = await startOrigin(killOrigin, { authority, names: [host] })
  const installation = await installSallyport({
    authority,
    origins: { [`${host}:443`]: origin },
    policies: { 'a.yaml': { mode: 'enforce', intercept: [{ hosts: ['*'], action: 'inspect' }] } },
    config: { audit },
  })
  return {
    installation,
    seen: () => origin.seen.map(({ url }) => url),
    [Symbol.asyncDispose]: origin.close,
  }
}

function serveOnDisk(installation: Installation, options: string): Promise<Sallyport> {
  return serve(installation, {}, withDisk(join(installation.dir, 'data'), options))
}

async function ask(sallyport: Sallyport, path: string) {
  const client = await throughProxy(sallyport.proxyPort, { ca: sallyport.ca(), target: `${host}:443` })
  const body = JSON.stringify({ model: 'gpt-5.1', messages: [{ role: 'user', content: path }] })
  client.send(
    `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  const answer = await client.answer()
  client.close()
  return answer
}

async function untilReady(sallyport: Sallyport): Promise<void> {
  while ((await sallyport.get('/readyz')).status !== 200) await delay(20)
}

/** Waits until every request that the origin saw has its row, and none is open. */
async function recorded(sallyport: Sallyport, seen: () => string[]): Promise<void> {
  for (;;) {
    const rows = read<{ path: string; state: string }>(sallyport, 'SELECT path, state FROM exchanges')
    const paths = new Set(rows.map(({ path }) => path))
    const missing = seen().filter((path) => !paths.has(path))
    if (missing.length === 0 && rows.every(({ state }) => state !== 'open')) return
    await delay(20)
  }
}

function eventsOf(sallyport: Sallyport) {
  return read<{ what: string; before: string | null; after: string | null }>(sallyport, 'SELECT * FROM events')
}

function read<Row>({ child, dir }: Sallyport, sql: string): Row[] {
  return rowsSeenBy(child.pid as number, join(dir, 'data', 'sallyport.db'), sql)
}

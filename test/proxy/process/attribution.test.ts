import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'node:test'
import { attribution } from '../../../src/proxy/process/attribution.ts'
import { threadFinder } from '../../../src/proxy/process/finder.ts'
import type { OpenFinder } from '../../../src/proxy/process/finder.ts'
import type { Ends, Endpoint } from '../../../src/proxy/process/socket-table.ts'
import { tempFolder } from '../../support/temp.ts'

const ends = (address: string, server: Endpoint | null = { address: '192.0.2.1', port: 1 }): Ends => ({
  client: { address, port: 5 },
  server,
})
const options = { platform: 'linux', now: () => 0, finder: threadFinder() } as const
const patient = { ...options, maxWaitMs: 10_000 }

/** A thread that does this with what it is asked, as `asked`. */
function thread(code: string): OpenFinder {
  const file = join(tempFolder('thread'), 'thread.mjs')
  const tell =
    'const tell = (program, restMs = 0) => parentPort.postMessage({ programs: asked.map(() => program), restMs })'
  const text = `import { parentPort } from 'node:worker_threads'\nparentPort.on('message', (asked) => { ${tell}; ${code} })`
  writeFileSync(file, text)
  return threadFinder(pathToFileURL(file))
}
const silent = () => thread('')

test('the program of a client on this machine becomes known', { skip: process.platform !== 'linux' }, async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const { lookFor, close } = attribution(patient)
  try {
    const [socket] = (await once(server, 'connection')) as [Socket]
    const local = { address: '127.0.0.1', port: socket.localPort ?? 0 }
    const sought = lookFor({ client: { address: '127.0.0.1', port: socket.remotePort ?? 0 }, server: local })
    assert.equal(sought?.program(), null)
    await sought?.settled()
    assert.ok(sought?.program()?.startsWith(process.execPath), String(sought?.program()))
    assert.equal(sought?.settled(), undefined)
  } finally {
    close()
    client.destroy()
    server.close()
  }
})

test('only clients of this machine are looked for', () => {
  const { lookFor, close } = attribution({ ...options, finder: silent() })
  const own = Object.values(networkInterfaces()).flatMap((some) => some?.map(({ address }) => address) ?? [])
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', ...own]) assert.ok(lookFor(ends(address)), address)
  for (const address of ['192.0.2.7', '2001:db8::9', '']) assert.equal(lookFor(ends(address)), undefined, address)
  assert.ok(lookFor(ends('192.0.2.7', { address: '192.0.2.7', port: 1 })), 'it came to the address that it came from')
  assert.equal(lookFor(ends('192.0.2.7', null)), undefined)
  close()
})

test('elsewhere than on Linux nothing is looked for', () => {
  assert.equal(attribution({ ...options, platform: 'darwin' }).lookFor(ends('127.0.0.1')), undefined)
})

test('nobody waits longer than said', async () => {
  const { lookFor, close } = attribution({ ...options, maxWaitMs: 1, finder: silent() })
  const sought = lookFor(ends('127.0.0.1'))
  await sought?.settled()
  assert.equal(sought?.settled(), undefined)
  assert.equal(sought?.program(), null)
  close()
})

test('what becomes known when nobody waits any more is still told', async () => {
  const { lookFor, close } = attribution({ ...patient, finder: thread(`setTimeout(tell, 50, 'p')`), maxWaitMs: 1 })
  const sought = lookFor(ends('127.0.0.1'))
  await sought?.settled()
  assert.equal(sought?.program(), null)
  while (sought?.program() === null) await new Promise(setImmediate)
  assert.equal(sought?.program(), 'p')
  close()
})

test('what comes while it looks or rests is asked together', async () => {
  const { lookFor, close } = attribution({ ...patient, finder: thread(`tell(String(asked.length), 20)`) })
  const first = lookFor(ends('127.0.0.1'))
  const others = Array.from({ length: 5 }, () => lookFor(ends('127.0.0.1')))
  await Promise.all([first, ...others].map((one) => one?.settled()))
  assert.deepEqual(
    [first, ...others].map((one) => one?.program()),
    ['1', '5', '5', '5', '5', '5'],
  )
  close()
})

test('a thread that dies leaves nobody waiting, and is not tried again for a while', async () => {
  let now = 0
  const { lookFor, close } = attribution({ ...patient, now: () => now, finder: thread(`throw new Error('no')`) })
  const sought = lookFor(ends('127.0.0.1'))
  await sought?.settled()
  assert.equal(sought?.program(), null)
  assert.equal(lookFor(ends('127.0.0.1')), undefined)
  now += 60_000
  assert.ok(lookFor(ends('127.0.0.1')))
  close()
})

test('nobody waits for what is closed', async () => {
  const { lookFor, close } = attribution({ ...patient, maxWaitMs: 600_000, finder: silent() })
  const sought = lookFor(ends('127.0.0.1'))
  const over = sought?.settled()
  close()
  await over
  assert.deepEqual([sought?.program(), sought?.settled()], [null, undefined])
})

test('the thread ends when nobody came for a while, and the next gets a new one', async () => {
  const finder = thread(`tell((globalThis.me ??= String(Math.random())))`)
  const { lookFor, close } = attribution({ ...patient, idleMs: 50, finder })
  const threads = new Set<string | null | undefined>()
  while (threads.size < 2) {
    const sought = lookFor(ends('127.0.0.1'))
    await sought?.settled()
    threads.add(sought?.program())
    await new Promise((resolve) => void setTimeout(resolve, 100))
  }
  assert.ok(!threads.has(null))
  close()
})

test('no more are looked for at once than there is room for', () => {
  const { lookFor, close } = attribution({ ...options, finder: silent() })
  for (let i = 0; i < 1_000; i += 1) assert.ok(lookFor(ends('127.0.0.1')))
  assert.equal(lookFor(ends('127.0.0.1')), undefined)
  close()
})

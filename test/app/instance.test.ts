import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { startInstance } from '../../src/app/instance.ts'
import { listen } from '../../src/app/listen.ts'
import { prepare } from '../../src/app/prepare.ts'
import { newDeviceKey } from '../../src/attest/keys.ts'
import { openLedger } from '../../src/audit/find/ledger.ts'
import { configIn, keptLog } from '../support/app.ts'
import { rawClient } from '../support/raw-client.ts'
import { freePorts } from '../support/free-ports.ts'
import { scriptedOrigin } from '../support/scripted-origin.ts'
import { tempFolder } from '../support/temp.ts'

test('an instance listens, tells how it is, and stops without leaving anything', async () => {
  const config = configIn()
  const { log } = await keptLog()
  const { authority } = await prepare(config, log)
  const instance = await startInstance(config, log)
  const port = instance.proxy[0]?.port ?? 0
  assert.equal(instance.authority.fingerprint, authority.fingerprint)
  const { ready, reasons, warnings, facts } = instance.health()
  assert.deepEqual([ready, reasons, warnings], [true, [], []])
  assert.deepEqual([facts['ca'], facts['auth']], [authority.fingerprint, 'none'])
  const idle = await rawClient(port)
  await instance.stop(2_000)
  assert.equal(await idle.rest(), '')
  // SQLite takes away the log of a database whose last connection was closed.
  assert.deepEqual(
    readdirSync(config.data.dir).filter((name) => name.endsWith('-wal')),
    [],
  )
  await assert.rejects(rawClient(port), { code: 'ECONNREFUSED' })
  assert.deepEqual(events(config.data.dir), [])
})

test('it knows itself on the port it got when any would do', async () => {
  const config = configIn(tempFolder('app'), { upstream: { allowPrivate: ['127.0.0.0/8'] } })
  const { log } = await keptLog()
  const instance = await startInstance(config, log)
  try {
    const port = instance.proxy[0]?.port ?? 0
    const client = await rawClient(port)
    client.send(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
    const answer = await client.answer()
    assert.ok(answer.status >= 400, String(answer.status))
    assert.match(answer.body, /is Sallyport itself/)
    client.close()
    // Addresses change only with a restart: what it is told later changes nothing about who it is.
    await instance.reload({ ...config, proxy: { ...config.proxy, listen: [{ host: '127.0.0.1', port: 1 }] } })
    const again = await rawClient(port)
    again.send(`GET http://localhost:${port}/ HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`)
    assert.match((await again.answer()).body, /is Sallyport itself/)
    again.close()
  } finally {
    await instance.stop(0)
  }
})

test('when one of its ports is taken, it leaves nothing open', async () => {
  const [free = 0] = await freePorts(1)
  const other = createServer()
  const taken = await listen(other, { host: '127.0.0.1', port: 0 })
  const config = configIn(tempFolder('app'), { proxy: { listen: [`127.0.0.1:${free}`, `127.0.0.1:${taken.port}`] } })
  const { log } = await keptLog()
  // Nothing but this server is meant to be there; what has been closed may be for a moment still.
  const othersEnd = async (): Promise<void> => {
    while (process.getActiveResourcesInfo().filter(isOpen).length > 1)
      await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await othersEnd()
  await assert.rejects(startInstance(config, log), { code: 'address_in_use' })
  await assert.rejects(rawClient(free), { code: 'ECONNREFUSED' })
  await othersEnd()
  other.close()
  await once(other, 'close')
  const instance = await startInstance(config, log)
  assert.deepEqual(
    instance.proxy.map(({ port }) => port),
    [free, taken.port],
  )
  await instance.stop(0)
})

test('a reload brings new policies and a new log level; a broken policy is a warning and the old ones stay', async () => {
  const dir = tempFolder('app')
  const config = configIn(dir)
  mkdirSync(config.policies.dir)
  const file = join(config.policies.dir, 'mine.yaml')
  writeFileSync(file, 'mode: enforce\n')
  const { log, text } = await keptLog()
  const instance = await startInstance(config, log)
  try {
    const first = instance.health().facts['policy']
    writeFileSync(file, 'mode: observe\n')
    await instance.reload({ ...config, log: { ...config.log, level: 'warn' } })
    const second = instance.health().facts['policy']
    assert.notEqual(second, first)
    assert.equal(log.level, 'warn')
    writeFileSync(file, 'mod: enforce\n')
    await instance.reload(config)
    const { ready, warnings, facts } = instance.health()
    assert.deepEqual([ready, facts['policy']], [true, second])
    assert.match(warnings.join(), /^policies: .*mine\.yaml/)
    assert.match(text(), /policies not reloaded/)
    const counted = await instance.metrics.registry.getSingleMetricAsString('sallyport_policy_reloads_total')
    assert.match(counted, /\{outcome="loaded"\} 1$/m)
    assert.match(counted, /\{outcome="refused"\} 1$/m)
  } finally {
    await instance.stop(0)
  }
  assert.deepEqual(events(config.data.dir), ['policy.reload', 'policy.refused'])
})

test('a connection that is made while the configuration is read anew has its token in its own row', async () => {
  const dir = tempFolder('app')
  writeFileSync(join(dir, 'device.pem'), newDeviceKey().privatePem, { mode: 0o600 })
  const [asked, reloaded] = [Promise.withResolvers<string>(), Promise.withResolvers<void>()]
  await using parent = await scriptedOrigin(async (peer) => {
    asked.resolve(await peer.until('\r\n\r\n'))
    await reloaded.promise
    peer.send('HTTP/1.1 200 Connection established\r\n\r\n')
  })
  const config = configIn(dir, {
    upstream: { proxy: `http://127.0.0.1:${parent.port}` },
    attestation: { sign: { key: 'device.pem', device: 'laptop-7', audience: 'egress-1' } },
  })
  const { log } = await keptLog()
  const instance = await startInstance(config, log)
  try {
    const client = await rawClient(instance.proxy[0]?.port ?? 0)
    client.send('CONNECT tunnelled.test:443 HTTP/1.1\r\nHost: tunnelled.test:443\r\n\r\n')
    assert.match(await asked.promise, /\r\nSallyport-Attestation: /)
    await instance.reload(config)
    reloaded.resolve()
    assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 200 /)
    client.close()
  } finally {
    reloaded.resolve()
    await instance.stop(5_000)
  }
  const ledger = openLedger(config.data.dir)
  const rows = [...ledger.find('connections', {}).rows()]
  ledger.close()
  assert.deepEqual(
    rows.map(({ host, handling }) => [host, handling]),
    [['tunnelled.test', 'tunnel']],
  )
  assert.equal((rows[0]?.attestation as { outcome?: unknown } | null)?.outcome, 'signed')
})

function isOpen(resource: string): boolean {
  return /TCPServer|TCPSocket|MessagePort/.test(resource)
}

function events(dataDir: string): unknown[] {
  const ledger = openLedger(dataDir)
  try {
    return [...ledger.find('events', {}).rows()].map(({ what }) => what)
  } finally {
    ledger.close()
  }
}

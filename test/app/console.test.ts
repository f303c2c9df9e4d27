import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { deviceSettings } from '../../src/access/device-settings.ts'
import { openDevices } from '../../src/access/devices.ts'
import { openConsole, type Running } from '../../src/app/console.ts'
import { enrolmentCodeFrom, enrolmentRequest, newEnrolmentCode } from '../../src/attest/enrolment.ts'
import { newDeviceKey, privateKeyFrom } from '../../src/attest/keys.ts'
import { configIn } from '../support/app.ts'
import { freePorts } from '../support/free-ports.ts'
import { tempFolder } from '../support/temp.ts'

const running: Running = {
  proxy: ['127.0.0.1:3128'],
  health: () => ({ ready: true, reasons: [], warnings: [], facts: { policy: 'abc' } }),
  metrics: async () => ({ contentType: 'text/plain', body: 'up 1\n' }),
  reload: async () => undefined,
  stop: async () => undefined,
}

test('the console tells the proxy addresses, on each of its own', async () => {
  const ports = (await freePorts(2)) as [number, number]
  const config = configIn(undefined, { console: { listen: ports.map((port) => `127.0.0.1:${port}`) } })
  const door = await openConsole(config, running)
  assert.equal(door.address, `127.0.0.1:${ports[0]}`)
  for (const port of ports) {
    const answer = (await (await fetch(`http://127.0.0.1:${port}/readyz`)).json()) as Record<string, unknown>
    assert.deepEqual([answer['proxy'], answer['policy']], [['127.0.0.1:3128'], 'abc'])
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(), 'up 1\n')
  }
  await door.close()
  for (const port of ports) await assert.rejects(fetch(`http://127.0.0.1:${port}/readyz`))
})

test('away from loopback metrics need the token, which is made once and kept for its owner only', async () => {
  const dir = tempFolder('console')
  const config = configIn(dir, { console: { listen: '0.0.0.0:0' } })
  const door = await openConsole(config, running)
  const port = door.address.slice(door.address.lastIndexOf(':') + 1)
  const url = `http://127.0.0.1:${port}/metrics`
  assert.equal((await fetch(url)).status, 401)
  const file = join(dir, 'data', 'console.token')
  const authorization = `Bearer ${readFileSync(file, 'utf8').trim()}`
  assert.equal((await fetch(url, { headers: { authorization } })).status, 200)
  if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600)
  await door.close()
})

test('where one address is taken, the others are let go again', async () => {
  const [free] = (await freePorts(1)) as [number]
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  const config = configIn(undefined, { console: { listen: [`127.0.0.1:${free}`, `127.0.0.1:${port}`] } })
  await assert.rejects(openConsole(config, running), { code: 'address_in_use' })
  await assert.rejects(fetch(`http://127.0.0.1:${free}/healthz`))
  other.close()
})

test('devices enrol themselves there, and are told the name of the proxy as it is after a reload', async () => {
  const dir = tempFolder('console')
  const config = (audience: string) => configIn(dir, { console: { listen: '127.0.0.1:0' }, attestation: { audience } })
  const door = await openConsole(config('egress-1'), running)
  const { code, publicKey } = newEnrolmentCode('laptop-7')
  const at = (ms: number): string => new Date(Date.now() + ms).toISOString()
  const devices = openDevices({ dir: join(dir, 'data'), durability: 'relaxed', who: 'test', now: Date.now })
  const settings = deviceSettings.parse({ id: 'laptop-7', notBefore: at(0), expires: at(600_000) })
  devices.makeCode({ key: publicKey, until: at(300_000), settings })
  devices.close()
  const read = enrolmentCodeFrom(code)
  assert.ok(read !== undefined)
  const body = enrolmentRequest(read, privateKeyFrom(newDeviceKey().privatePem))
  const told = async (): Promise<unknown> => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`http://${door.address}/enroll`, { method: 'POST', headers, body })
    assert.equal(answer.status, 201)
    return ((await answer.json()) as Record<string, unknown>)['audience']
  }
  assert.equal(await told(), 'egress-1')
  door.reload(config('egress-2'))
  assert.equal(await told(), 'egress-2')
  await door.close()
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import { doorsAreFreeOrOurs } from '../../../src/cli/doctor/doors.ts'
import type { SetUp } from '../../../src/cli/doctor/check.ts'
import { configSchema } from '../../../src/config/schema.ts'

function setUpWith(doors: Record<string, string[]>): SetUp {
  const sections = Object.fromEntries(
    ['proxy', 'gateway', 'console'].map((door) => [door, { listen: doors[door] ?? ['127.0.0.1:0'] }]),
  )
  const io = { stdin: Readable.from([]), stdout: new PassThrough(), stderr: new PassThrough(), env: {}, cwd: '/' }
  return { config: configSchema.parse(sections), io }
}

async function answering(status: number, type: string) {
  const server = createServer((_request, answer) => answer.writeHead(status, { 'content-type': type }).end('{}'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { address, [Symbol.asyncDispose]: async () => void (await once(server.close(), 'close')) }
}

test('free addresses are well', async () => {
  assert.deepEqual(await doorsAreFreeOrOurs(setUpWith({})), { status: 'ok', message: 'all addresses are free' })
})

const consoles: [number, string, 'ok' | 'fail'][] = [
  [200, 'application/json', 'ok'],
  [503, 'application/json; charset=utf-8', 'ok'],
  [200, 'text/html', 'fail'],
  [404, 'application/json', 'fail'],
]

for (const [status, type, expected] of consoles) {
  test(`a taken address is ${expected} when the console answers ${status} ${type}`, async () => {
    await using console = await answering(status, type)
    const finding = await doorsAreFreeOrOurs(setUpWith({ console: [console.address] }))
    assert.equal(finding.status, expected)
  })
}

test('an address that another program has is named', async () => {
  await using other = await answering(200, 'application/json')
  const finding = await doorsAreFreeOrOurs(setUpWith({ proxy: [other.address] }))
  assert.equal(finding.status, 'fail')
  assert.equal(finding.message, `cannot listen on ${other.address}: another program has it`)
})

test('an address that this machine does not have is a failure', async () => {
  const finding = await doorsAreFreeOrOurs(setUpWith({ proxy: ['192.0.2.1:0'] }))
  assert.deepEqual([finding.status, finding.hint], ['fail', 'look at the addresses under `listen`'])
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { originalDestination, sockaddr, type Ways } from '../../src/proxy/original-destination.ts'
import { tempFolder } from '../support/temp.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')
const v4 = '020001bbcb007105'
const v6 = '0a0001bb0000000026064700000000000000000000000001'

const addresses: [what: string, bytes: Buffer, told: ReturnType<typeof sockaddr>][] = [
  ['IPv4', bytes(v4), { address: '203.0.113.5', port: 443 }],
  ['IPv4 with room behind', bytes(`${v4}${'00'.repeat(20)}`), { address: '203.0.113.5', port: 443 }],
  ['IPv6', bytes(v6), { address: '2606:4700::1', port: 443 }],
  [
    'IPv4 inside of IPv6',
    bytes(`0a0001bb00000000${'00'.repeat(10)}ffffcb007105`),
    { address: '203.0.113.5', port: 443 },
  ],
  ['no family', Buffer.alloc(28), undefined],
  ['a family that it does not know', bytes(`01${v4.slice(2)}`), undefined],
  ['port 0', bytes(v4.replace('01bb', '0000')), undefined],
]

for (const [what, given, told] of addresses) {
  test(`what the kernel writes of ${what} is read as ${told?.address ?? 'nothing'}`, () => {
    assert.deepEqual(sockaddr(given), told)
  })
}

test('what the kernel writes, cut anywhere, is nothing', () => {
  for (const [whole, length] of [
    [bytes(v4), 8],
    [bytes(v6), 24],
  ] as const) {
    for (let cut = 0; cut < length; cut += 1) assert.equal(sockaddr(whole.subarray(0, cut)), undefined, String(cut))
  }
})

test('a connection that came straight here was going nowhere else', async () => {
  for (const host of ['127.0.0.1', '::']) assert.equal(await told(host, {}), undefined)
})

test('where the kernel cannot be asked, its table tells, and knows who came straight here', async () => {
  const file = join(tempFolder('table'), 'nf_conntrack')
  const tracked = (to: string, port: number) => (from: number, local: number) =>
    writeFileSync(
      file,
      `ipv4 2 tcp 6 99 ESTABLISHED src=127.0.0.1 dst=${to} sport=${from} dport=${port === 0 ? local : port} src=127.0.0.1 dst=127.0.0.1 sport=${local} dport=${from} use=1\n`,
    )
  const ways = { kernel: false, table: file }
  assert.deepEqual(await told('127.0.0.1', ways, tracked('203.0.113.5', 443)), { address: '203.0.113.5', port: 443 })
  assert.equal(await told('127.0.0.1', ways, tracked('127.0.0.1', 0)), undefined)
})

test('a connection that has ended tells nothing', async () => {
  const { ask } = originalDestination()
  const [server, client, socket] = await pair('127.0.0.1')
  client.destroy()
  socket.destroy()
  await once(socket, 'close')
  assert.equal(await ask(socket), undefined)
  server.close()
})

test('it says who tells', () => {
  const readable = join(tempFolder('table'), 'nf_conntrack')
  writeFileSync(readable, '')
  assert.equal(originalDestination({ kernel: false, table: readable }).from, 'table')
  assert.equal(originalDestination({ kernel: false, table: `${readable}-missing` }).from, 'nowhere')
})

test('that it uses what Node calls experimental is not told on standard error, other things are', () => {
  const file = join(tempFolder('notice'), 'ask.ts')
  const module = pathToFileURL(join(import.meta.dirname, '../../src/proxy/original-destination.ts')).href
  writeFileSync(
    file,
    `import { originalDestination } from '${module}'\noriginalDestination()\nprocess.emitWarning('something else', 'ExperimentalWarning')\n`,
  )
  const { stderr, status } = spawnSync(process.execPath, [file], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  assert.equal(status, 0, stderr)
  assert.match(stderr, /something else/)
  assert.doesNotMatch(stderr, /FFI/)
})

/** What is told of a connection to a server on this host; `before` is called with the ports of its two ends. */
async function told(host: string, ways: Ways, before: (from: number, local: number) => void = () => {}) {
  const [server, client, socket] = await pair(host)
  before(socket.remotePort ?? 0, socket.localPort ?? 0)
  const destination = await originalDestination(ways).ask(socket)
  client.destroy()
  socket.destroy()
  server.close()
  return destination
}

async function pair(host: string) {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => {})
  const [socket] = (await accepted) as [Socket]
  return [server, client, socket] as const
}

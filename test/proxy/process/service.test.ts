import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { programService, questionIn, type ProgramService } from '../../../src/proxy/process/service.ts'
import { tempFolder } from '../../support/temp.ts'

const uid = process.getuid?.() ?? 0
let service: ProgramService

before(async () => {
  service = await programService({ uid, dir: join(tempFolder('service'), 'programs') })
})

after(() => service.close())

test('the socket is its account’s alone, in a folder that no other account can change', () => {
  assert.equal(statSync(service.path).mode & 0o777, 0o600)
  assert.equal(statSync(dirname(service.path)).mode & 0o777, 0o711)
})

test('it tells the programs of connections, one question after another', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await once(server, 'connection')) as [Socket]
  const own = {
    client: { address: '127.0.0.1', port: socket.remotePort },
    server: { address: '127.0.0.1', port: socket.localPort },
  }
  const asking = connect(service.path).setEncoding('utf8')
  for (let i = 0; i < 2; i += 1) {
    asking.write(`${JSON.stringify([own, { ...own, client: { address: '192.0.2.1', port: 5 } }])}\n`)
    const [text] = (await once(asking, 'data')) as [string]
    const { programs, restMs } = JSON.parse(text) as { programs: (string | null)[]; restMs: number }
    assert.deepEqual([programs.length, programs[1]], [2, null])
    assert.ok(restMs >= 0)
    if (process.platform === 'linux') assert.ok(programs[0]?.startsWith(process.execPath), String(programs[0]))
  }
  asking.destroy()
  client.destroy()
  socket.destroy()
  server.close()
})

const endpoint = { address: '127.0.0.1', port: 1 }
const bad: readonly [string, string][] = [
  ['no JSON', '['],
  ['no list', '{}'],
  ['too many', JSON.stringify(Array.from({ length: 1_001 }, () => ({ client: endpoint, server: null })))],
  ['null', '[null]'],
  ['a text', '["x"]'],
  ['no server', JSON.stringify([{ client: endpoint }])],
  ['no client', JSON.stringify([{ client: null, server: null }])],
  ['no address', JSON.stringify([{ client: { ...endpoint, address: '../x' }, server: null }])],
  ['no port', JSON.stringify([{ client: { ...endpoint, port: 1.5 }, server: null }])],
  ['too large a port', JSON.stringify([{ client: endpoint, server: { ...endpoint, port: 65_536 } }])],
]
for (const [what, line] of bad) {
  test(`a question with ${what} ends the connection`, async () => {
    assert.equal(questionIn(line), undefined)
    const asking = connect(service.path)
    asking.on('error', () => {})
    asking.write(`${line}\n`)
    await closed(asking)
  })
}

test('a question without an end ends the connection', async () => {
  const asking = connect(service.path)
  asking.on('error', () => {})
  asking.write('x'.repeat(300_000))
  await closed(asking)
})

test('what is asked is told from what else stands there', () => {
  assert.deepEqual(questionIn(JSON.stringify([{ client: endpoint, server: endpoint, more: 1 }])), [
    { client: endpoint, server: endpoint },
  ])
  assert.deepEqual(questionIn('[]'), [])
})

test('when it ends nothing is left of it', async () => {
  const other = await programService({ uid, dir: join(tempFolder('service'), 'programs') })
  const asking = connect(other.path)
  await once(asking, 'connect')
  other.close()
  await closed(asking)
  assert.equal(existsSync(dirname(other.path)), false)
})

test('what one that was killed has left is in nobody’s way', async () => {
  const dir = join(tempFolder('service'), 'programs')
  mkdirSync(dir)
  writeFileSync(join(dir, 'programs.sock'), '')
  const other = await programService({ uid, dir })
  const asking = connect(other.path)
  await once(asking, 'connect')
  asking.destroy()
  other.close()
})

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()))
}

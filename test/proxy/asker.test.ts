import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { askerOf } from '../../src/proxy/asker.ts'
import type { Ends } from '../../src/proxy/process/socket-table.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import type { RawClient } from '../support/raw-client.ts'
import { startStage, type Stage } from '../support/stage.ts'

let stage: Stage
let plain: Origin

before(async () => {
  plain = await startOrigin((seen, response) => void response.end(seen.url))
  stage = await startStage((seen, response) => void response.end(seen.url), {
    hosts: ['secure.test'],
    origins: { 'seen.test:80': plain },
    policies: { 'a.yaml': { intercept: [{ hosts: ['seen.test', 'secure.test'], action: 'inspect' }] } },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await plain.close()
})

test('the program is looked for once, by both ends of the connection', async () => {
  const { socket, end } = await accepted()
  const asked: Ends[] = []
  const sought = { program: () => 'p', settled: () => undefined }
  const lookFor = (ends: Ends) => (asked.push(ends), sought)
  const client = { address: '127.0.0.1', port: socket.remotePort }
  const direct = askerOf({ lookFor }, socket, false)
  assert.deepEqual([direct(), direct()], [sought, sought])
  assert.deepEqual(asked, [{ client, server: { address: '127.0.0.1', port: socket.localPort } }])
  askerOf({ lookFor }, socket, true)()
  assert.deepEqual(asked[1], { client, server: null })
  end()
})

test('of a connection that is gone nothing is asked', async () => {
  const { socket, end } = await accepted()
  socket.destroy()
  await once(socket, 'close')
  assert.equal(askerOf({ lookFor: () => assert.fail('asked') }, socket, false)(), undefined)
  end()
})

const ways: readonly [string, () => Promise<RawClient>, target: string, host: string][] = [
  ['inside a CONNECT', () => stage.connect('secure.test'), '', 'secure.test'],
  ['on the port of the proxy', () => stage.raw(), 'http://seen.test', 'seen.test'],
]
for (const [way, open, target, host] of ways) {
  test(`the row of a request ${way} says which program asked`, { skip: process.platform !== 'linux' }, async () => {
    // A busy machine may take longer to look than a row waits: then that of another connection tells.
    for (let i = 0; ; i += 1) {
      const client = await open()
      client.send(`GET ${target}/${i} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      await client.answer()
      const row = await stage.row('exchanges', (one) => one['path'] === `/${i}` && one['host'] === host)
      client.close()
      if (row['process'] === null) continue
      assert.equal(row['process'], `${process.execPath} ${import.meta.filename}`)
      break
    }
  })
}

async function accepted(): Promise<{ socket: Socket; end: () => void }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await once(server, 'connection')) as [Socket]
  return {
    socket,
    end() {
      client.destroy()
      socket.destroy()
      server.close()
    },
  }
}

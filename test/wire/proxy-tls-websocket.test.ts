import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { testAuthority } from '../support/authority.ts'
import { startStage } from '../support/stage.ts'
import { tempFolder } from '../support/temp.ts'
import { tlsClient, tlsWithin } from '../support/tls-client.ts'

const host = 'ws.test'
const doors = testAuthority('Doors')
const dir = tempFolder('proxy-tls-websocket')
const tls = { cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') }
const gate = doors.issue(['gate.example'])
writeFileSync(tls.cert, gate.cert)
writeFileSync(tls.key, gate.key, { mode: 0o600 })

for (const perMessageDeflate of [false, true]) {
  test(`a WebSocket runs through TLS in TLS, ${perMessageDeflate ? 'compressed' : 'plain'}, to its close code`, async () => {
    const server = new WebSocketServer({ noServer: true, perMessageDeflate })
    server.on('connection', (socket) => {
      socket.on('message', (data, binary) => socket.send(data, { binary }))
    })
    await using stage = await startStage((_seen, response) => void response.end(), {
      hosts: [host],
      origin: {
        alpn: ['http/1.1'],
        onUpgrade: (request, socket, head) =>
          server.handleUpgrade(request, socket, head, (opened) => server.emit('connection', opened, request)),
      },
      policies: { 'a.yaml': { intercept: [{ hosts: [host], action: 'inspect' }] } },
      config: { proxy: { tls } },
    })
    const outer = await tlsClient(stage.sallyport.proxyPort, { ca: doors.cert, servername: 'gate.example' })
    const inner = await tlsWithin(outer, `${host}:443`, { ca: stage.sallyport.ca(), ALPNProtocols: ['http/1.1'] })
    for (const event of ['data', 'end', 'close', 'error']) inner.tls.removeAllListeners(event)
    const client = new WebSocket(`wss://${host}/chat`, { createConnection: () => inner.tls, perMessageDeflate })
    await once(client, 'open')
    for (const text of ['hello', 'x'.repeat(300_000)]) {
      client.send(text)
      const [data] = (await once(client, 'message')) as [Buffer]
      assert.equal(data.toString(), text)
    }
    const opened = [...server.clients]
    const closed = once(opened[0]!, 'close') as Promise<[number]>
    client.close(4001, 'enough')
    assert.equal((await closed)[0], 4001)
    assert.equal((await stage.exchange('/chat'))['status'], 101)
  })
}

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { startStage, type Stage } from '../support/stage.ts'

let stage: Stage
let echo: ReturnType<typeof createServer>

before(async () => {
  // A server that is no TLS server: it greets, then gives back what it gets.
  echo = createServer((socket) => void socket.on('error', () => {}).write('hi\n', () => socket.pipe(socket)))
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const address = `127.0.0.1:${(echo.address() as AddressInfo).port}`
  stage = await startStage((seen, response) => void response.end(`${seen.method} ${seen.url}`), {
    hosts: ['tunnel.test'],
    origins: { 'greets.test:25': { address } },
    policies: { '10-test.yaml': { intercept: [{ hosts: ['tunnel.test', 'greets.test'], action: 'tunnel' }] } },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  echo.close()
})

test('in a tunnel the server may speak first, and bytes are counted both ways', async () => {
  const client = await stage.raw()
  client.send('CONNECT greets.test:25 HTTP/1.1\r\nHost: greets.test\r\n\r\n')
  await client.until('\r\n\r\n')
  assert.equal(await client.until(3), 'hi\n')
  client.send('EHLO me\r\n')
  assert.equal(await client.until(9), 'EHLO me\r\n')
  client.end()
  await client.rest()
  const row = await stage.row('connections', (one) => one['host'] === 'greets.test')
  assert.deepEqual([row['handling'], row['bytes_up'], row['bytes_down'], row['error']], ['tunnel', 9, 12, null])
})

test('a tunnelled connection shows the certificate of the origin', async () => {
  const client = await stage.connect('tunnel.test', { ca: stage.authority.cert })
  client.send('GET /tunnelled HTTP/1.1\r\nHost: tunnel.test\r\nConnection: close\r\n\r\n')
  assert.equal((await client.answer()).body, 'GET /tunnelled')
  client.close()
  const row = await stage.row('connections', (one) => one['host'] === 'tunnel.test' && one['handling'] === 'tunnel')
  assert.equal(row['sni'], 'tunnel.test')
  assert.ok(!stage.sallyport.rows('exchanges').some((one) => one['path'] === '/tunnelled'))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startStage } from '../support/stage.ts'

test('what the end of the time to finish cuts off is recorded, whatever it was doing', async () => {
  await using stage = await startStage(() => undefined, {
    hosts: ['a.test'],
    config: { shutdown: { graceMs: 200 } },
    policies: { 'a.yaml': { intercept: [{ hosts: ['a.test'], action: 'inspect' }] } },
  })
  const requests = [
    'GET /waits HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'POST /sends HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nhalf',
  ]
  for (const request of requests) {
    const client = await stage.connect('a.test')
    client.socket.on('error', () => undefined)
    client.send(request)
  }
  await stage.origin.requests(1)
  await stage.sallyport.rowsWhen('exchanges', (rows) => rows.some(({ path }) => path === '/waits'))
  const both = 'sallyport_exchanges_active{door="proxy"} 2\n'
  while (!(await stage.sallyport.get('/metrics')).body.includes(both)) await sleep(10)
  assert.equal(await stage.sallyport.stop(), 0)
  const rows = stage.sallyport.rows('exchanges').map(({ path, state, error }) => `${path} ${state} ${error}`)
  assert.deepEqual(rows.toSorted(), ['/sends aborted client_aborted', '/waits aborted client_aborted'])
})

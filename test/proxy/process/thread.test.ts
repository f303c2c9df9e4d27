import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import test from 'node:test'
import { Worker } from 'node:worker_threads'
import type { Told } from '../../../src/proxy/process/finder.ts'

test('what is asked at once is told at once, in its order, and when to ask again', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await once(server, 'connection')) as [Socket]
  const worker = new Worker(new URL('../../../src/proxy/process/thread.ts', import.meta.url))
  try {
    const local = { address: '127.0.0.1', port: socket.localPort ?? 0 }
    const ends = { client: { address: '127.0.0.1', port: socket.remotePort ?? 0 }, server: local }
    worker.postMessage([{ client: { address: '192.0.2.1', port: 1 }, server: null }, ends])
    const [{ programs, restMs }] = (await once(worker, 'message')) as [Told]
    const [stranger, own] = programs
    assert.deepEqual([programs.length, stranger], [2, null])
    assert.ok(restMs >= 0)
    if (process.platform === 'linux') assert.ok(own?.startsWith(process.execPath), String(own))
  } finally {
    await worker.terminate()
    client.destroy()
    server.close()
  }
})

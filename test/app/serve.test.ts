import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { serve } from '../../src/app/serve.ts'
import { startOrigin } from '../support/origin.ts'
import { freePorts } from '../support/free-ports.ts'
import { tempFolder } from '../support/temp.ts'

test(
  'the doors stand open until a signal, and what to do next is said once they do',
  { skip: process.platform === 'win32' },
  async () => {
    const dir = tempFolder('serve')
    const [proxy, console] = (await freePorts(2)) as [number, number]
    const file = join(dir, 'sallyport.yaml')
    writeFileSync(
      file,
      `workers: 1\nlog: { level: error }\nproxy: { listen: 127.0.0.1:${proxy} }\nconsole: { listen: 127.0.0.1:${console} }\n`,
    )
    const { promise: said, resolve } = Promise.withResolvers<{ lines: readonly string[]; first: boolean }>()
    const status = serve({ source: { file, env: {}, cwd: dir }, say: (lines, first) => resolve({ lines, first }) })
    const { lines, first } = await said
    assert.ok(first)
    assert.ok(lines.join('\n').includes(`127.0.0.1:${proxy}`))
    assert.equal((await fetch(`http://127.0.0.1:${console}/readyz`)).status, 200)
    assert.equal((await fetch(`http://127.0.0.1:${proxy}/ca.pem`)).status, 200)
    process.kill(process.pid, 'SIGTERM')
    assert.equal(await status, 0)
    await assert.rejects(fetch(`http://127.0.0.1:${console}/readyz`))
    process.removeAllListeners('SIGHUP').removeAllListeners('SIGINT')
  },
)

test(
  'while it stops it is not ready and says so, and what is in flight is finished',
  { skip: process.platform === 'win32' },
  async () => {
    const dir = tempFolder('serve')
    const [proxy, console] = (await freePorts(2)) as [number, number]
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    await using origin = await startOrigin(async (_seen, response) => {
      await answered
      response.end('late')
    })
    const file = join(dir, 'sallyport.yaml')
    writeFileSync(
      file,
      `workers: 1\nlog: { level: error }\nproxy: { listen: 127.0.0.1:${proxy} }\nconsole: { listen: 127.0.0.1:${console} }\nupstream: { resolve: { "slow.test:80": "${origin.address}" } }\n`,
    )
    const { promise: said, resolve } = Promise.withResolvers<void>()
    const status = serve({ source: { file, env: {}, cwd: dir }, say: () => resolve() })
    await said
    const client = connect(proxy, '127.0.0.1')
    client.write('GET http://slow.test/ HTTP/1.1\r\nHost: slow.test\r\nConnection: close\r\n\r\n')
    await origin.requests(1)
    process.kill(process.pid, 'SIGTERM')
    let ready = await fetch(`http://127.0.0.1:${console}/readyz`)
    while (ready.status === 200) ready = await fetch(`http://127.0.0.1:${console}/readyz`)
    assert.equal(ready.status, 503)
    assert.deepEqual(((await ready.json()) as { reasons: unknown }).reasons, ['stopping'])
    answer()
    const [head] = (await once(client, 'data')) as [Buffer]
    assert.match(head.toString(), /^HTTP\/1\.1 200 /)
    client.destroy()
    assert.equal(await status, 0)
    process.removeAllListeners('SIGHUP').removeAllListeners('SIGINT')
  },
)

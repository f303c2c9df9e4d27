import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { serve } from '../../src/app/serve.ts'
import { freePorts } from '../support/sallyport.ts'
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

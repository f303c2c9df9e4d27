import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { exec } from '../../src/app/exec.ts'
import { listen } from '../../src/app/listen.ts'
import { configIn } from '../support/app.ts'
import { tempFolder } from '../support/temp.ts'

test('a private instance lives as long as the command, then the report is given', async () => {
  const dir = tempFolder('exec')
  const config = configIn(dir, { log: { level: 'error' }, proxy: { auth: 'basic' } as object })
  const lines: string[] = []
  const status = await exec({
    config,
    command: [
      process.execPath,
      '-e',
      "require('node:fs').writeFileSync('proxy', process.env.HTTPS_PROXY); process.exit(3)",
    ],
    env: { PATH: process.env['PATH'] },
    cwd: dir,
    report: async (some) => void lines.push(...some),
  })
  assert.equal(status, 3)
  assert.deepEqual(lines, ['sallyport: 0 exchanges inspected, 0 connections not inspected'])
  const proxy = readFileSync(join(dir, 'proxy'), 'utf8')
  assert.match(proxy, /^http:\/\/127\.0\.0\.1:\d+$/)
  await assert.rejects(fetch(proxy))
})

test('a private instance takes no redirected connections, so that their address may be taken', async () => {
  const other = createServer()
  const { port } = await listen(other, { host: '127.0.0.1', port: 0 })
  const dir = tempFolder('exec')
  const config = configIn(dir, { log: { level: 'error' }, proxy: { transparent: `127.0.0.1:${port}` } })
  const command = [process.execPath, '-e', 'process.exit(4)']
  try {
    assert.equal(await exec({ config, command, env: { PATH: process.env['PATH'] }, cwd: dir, report: undefined }), 4)
  } finally {
    other.close()
  }
})

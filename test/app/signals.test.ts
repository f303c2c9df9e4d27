import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { reloaded, signals } from '../../src/app/signals.ts'
import { configIn, keptLog } from '../support/app.ts'
import { tempFolder } from '../support/temp.ts'

test('a configuration that is valid is taken, and what needs a restart is told', async () => {
  const dir = tempFolder('reload')
  const before = configIn(dir)
  const source = { file: join(dir, 'sallyport.yaml'), env: {}, cwd: dir }
  appendFileSync(source.file, 'limits: { connections: 7 }\nworkers: 3\n')
  const { log, text } = await keptLog()
  assert.equal(reloaded(before, source, log)?.limits.connections, 7)
  assert.match(text(), /"keys":\["workers"\].*only after a restart/)
  assert.match(text(), /configuration reloaded/)
})

test('a configuration that is broken is refused with its problems', async () => {
  const dir = tempFolder('reload')
  const before = configIn(dir)
  const source = { file: join(dir, 'sallyport.yaml'), env: {}, cwd: dir }
  writeFileSync(source.file, 'limit: 7\n')
  const { log, text } = await keptLog()
  assert.equal(reloaded(before, source, log), undefined)
  assert.match(text(), /"config_invalid".*limit.*stays in force/)
})

test(
  'SIGHUP reloads, also after a reload that failed; SIGTERM ends',
  { skip: process.platform === 'win32' },
  async () => {
    const { log, text } = await keptLog()
    const reloads = new EventEmitter()
    let failing = true
    const heard = signals(log, async () => {
      setImmediate(() => reloads.emit('reload'))
      if (failing) throw new Error('no luck')
    })
    for (failing of [true, false]) {
      process.kill(process.pid, 'SIGHUP')
      await once(reloads, 'reload')
    }
    process.kill(process.pid, 'SIGTERM')
    assert.equal(await heard, 'SIGTERM')
    assert.match(text(), /reload failed/)
    process.removeAllListeners('SIGHUP').removeAllListeners('SIGINT')
  },
)

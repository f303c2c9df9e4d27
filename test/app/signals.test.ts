import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Act } from '../../src/app/acts.ts'
import { reloader, signals } from '../../src/app/signals.ts'
import { loadWithOrigins } from '../../src/config/load.ts'
import { configIn, keptLog } from '../support/app.ts'
import { tempFolder } from '../support/temp.ts'

function setUp(told: Act[]) {
  const cwd = tempFolder('reload')
  configIn(cwd)
  const source = { file: join(cwd, 'sallyport.yaml'), env: {}, cwd }
  return { source, first: loadWithOrigins(source), tell: (act: Act) => void told.push(act) }
}

test('a configuration that is valid is taken, what changed and what needs a restart is told, without secrets', async () => {
  const told: Act[] = []
  const { source, first, tell } = setUp(told)
  const { log, text } = await keptLog()
  const reloaded = reloader(first, source, log, tell)
  appendFileSync(source.file, 'limits: { connections: 7 }\nworkers: 3\nca: { passphrase: made-up-Zq8fK2 }\n')
  assert.equal(reloaded()?.limits.connections, 7)
  assert.match(text(), /"keys":\["workers"\].*only after a restart/)
  assert.match(text(), /configuration reloaded/)
  assert.deepEqual(told, [
    {
      what: 'config.reload',
      before: { workers: 'auto', 'ca.passphrase': null, 'limits.connections': 10_000 },
      after: { workers: 3, 'ca.passphrase': '***', 'limits.connections': 7, restart: ['workers'] },
    },
  ])
  // Once more, and nothing is different.
  assert.equal(reloaded()?.workers, 3)
  assert.equal(told.length, 1)
})

test('a configuration that is broken is refused with its problems', async () => {
  const told: Act[] = []
  const { source, first, tell } = setUp(told)
  writeFileSync(source.file, 'limit: 7\n')
  const { log, text } = await keptLog()
  assert.equal(reloader(first, source, log, tell)(), undefined)
  assert.match(text(), /"config_invalid".*limit.*stays in force/)
  assert.partialDeepStrictEqual(told, [{ what: 'config.refused', after: { code: 'config_invalid' } }])
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

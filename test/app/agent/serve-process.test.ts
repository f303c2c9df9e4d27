import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startServe } from '../../../src/app/agent/serve-process.ts'
import type { ServeOptions, ServeProcess } from '../../../src/app/agent/serve-process.ts'
import { tempFolder } from '../../support/temp.ts'

const options = { skip: process.platform === 'win32' && 'processes have no users there' }

test('it is ready when it says so, tells what it is not ready for, and ends when told', options, async () => {
  const told: string[][] = []
  const reasons = Promise.withResolvers<void>()
  const serve = started(
    `process.send({ kind: 'ready' })
setInterval(() => process.send({ kind: 'beat', serving: true, reasons: ['ledger'] }), 5)`,
    { onReasons: (some) => (told.push([...some]), reasons.resolve()) },
  )
  await serve.ready
  await reasons.promise
  await serve.stop(10_000)
  assert.equal(await serve.ended, 'SIGTERM')
  assert.deepEqual(told, [['ledger']])
})

test('it says how it ended', options, async () => {
  assert.equal(await started('process.exit(3)').ended, 'exit status 3')
  assert.equal(await started('', { cwd: '/no/such/folder' }).ended, 'ENOENT')
})

test('one that is silent is stuck, and one that nobody serves is too', options, async () => {
  const silent = started(`process.send({ kind: 'ready' }); setInterval(() => {}, 1000)`, { silentMs: 50 })
  assert.equal(await silent.stuck, 'silent for 0.05 s')
  silent.signal('SIGKILL')
  assert.equal(await silent.ended, 'SIGKILL')
  const idle = started(`process.send({ kind: 'beat', serving: false, reasons: [] }); setInterval(() => {}, 1000)`)
  assert.equal(await idle.stuck, 'no process takes connections')
  await idle.stop(10_000)
})

test('one that spoke while we did not listen is not silent', options, async () => {
  const serve = started(
    `process.send({ kind: 'ready' })
setInterval(() => process.send({ kind: 'beat', serving: true, reasons: [] }), 5)`,
    { silentMs: 1_000 },
  )
  await serve.ready
  // As if we had been stopped.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000)
  const said = await Promise.race([serve.stuck, sleep(250, 'heard')])
  serve.signal('SIGKILL')
  await serve.ended
  assert.equal(said, 'heard')
})

test('it gets what root has in its environment under its own name', options, async () => {
  const serve = started(
    `const { HOME, USER, SUDO_UID, KEPT, SALLYPORT_AGENT } = process.env
process.exit(HOME === '/home/ada' && USER === 'ada' && SUDO_UID === undefined && KEPT === 'x' && SALLYPORT_AGENT === '1' ? 9 : 1)`,
    { env: { ...process.env, HOME: '/root', SUDO_UID: '7', KEPT: 'x' } },
  )
  assert.equal(await serve.ended, 'exit status 9')
})

function started(script: string, change: Partial<ServeOptions> = {}): ServeProcess {
  const file = join(tempFolder('serve'), 'doors.mjs')
  writeFileSync(file, script)
  return startServe({
    command: [file],
    account: { name: 'ada', uid: process.getuid?.() ?? 0, home: '/home/ada' },
    group: process.getgid?.() ?? 0,
    env: process.env,
    cwd: process.cwd(),
    stdio: 'ignore',
    onReasons: () => {},
    ...change,
  })
}

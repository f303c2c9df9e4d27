import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { beganAt, claimState, parseState, readState, statePath } from '../../../src/app/agent/state.ts'
import type { AgentState } from '../../../src/app/agent/state.ts'
import { tempFolder } from '../../support/temp.ts'

const options = { skip: process.platform !== 'linux' && '/proc is of Linux' }

test('one agent has the place, tells what changes, and leaves nothing', options, async () => {
  const path = join(tempFolder('state'), 'run', 'agent.json')
  const own = await claimState(path, await stateOf(process.pid))
  assert.equal(await claimState(path, await stateOf(process.pid)), undefined)
  own?.tell({ phase: 'redirecting' })
  own?.tell({ reasons: ['ledger'] })
  while ((await readState(path))?.reasons.length !== 1) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal((await readState(path))?.phase, 'redirecting')
  await own?.close()
  assert.equal(existsSync(path), false)
})

test('what a dead agent left counts for nothing, also when its number lives again', options, async () => {
  const path = join(tempFolder('state'), 'agent.json')
  const child = spawn('true')
  const ended = once(child, 'exit')
  const dead = { ...(await stateOf(process.pid)), pid: child.pid as number }
  await ended
  for (const left of [JSON.stringify(dead), JSON.stringify({ ...dead, pid: process.pid, began: '1' }), 'cut {']) {
    writeFileSync(path, left)
    assert.equal(await readState(path), undefined)
    const own = await claimState(path, await stateOf(process.pid))
    assert.equal(parseState(readFileSync(path, 'utf8'))?.pid, process.pid)
    await own?.close()
  }
})

test('of several that find what a dead agent left, one takes its place', options, async () => {
  const first = await stateOf(process.pid)
  for (let turn = 0; turn < 20; turn++) {
    const path = join(tempFolder('state'), 'agent.json')
    writeFileSync(path, JSON.stringify({ ...first, began: '1' }))
    const claims = await Promise.all(Array.from({ length: 4 }, () => claimState(path, first)))
    assert.equal(claims.filter((own) => own !== undefined).length, 1)
    assert.deepEqual(await readState(path), first)
    for (const own of claims) await own?.close()
    const next = await claimState(path, first)
    assert.ok(next !== undefined)
    await next.close()
  }
})

test('a state that is cut short or not ours is none', async () => {
  const whole = JSON.stringify(await stateOf(process.pid))
  assert.ok(parseState(whole) !== undefined)
  for (let length = 0; length < whole.length; length++) assert.equal(parseState(whole.slice(0, length)), undefined)
  for (const text of ['null', '[]', '{"pid":1}', whole.replace(/"pid":\d+/, '"pid":-1')])
    assert.equal(parseState(text), undefined)
})

test('a process is known by when it began, whatever it is called', options, async () => {
  assert.match((await beganAt(process.pid)) ?? '', /^\d+$/)
  const child = spawn('sh', ['-c', 'cp "$(command -v sleep)" "./a) S 1 (b" && exec "./a) S 1 (b" 60'], {
    cwd: tempFolder('name'),
  })
  while (!readFileSync(`/proc/${child.pid}/comm`, 'utf8').startsWith('a)'))
    await new Promise((resolve) => setTimeout(resolve, 5))
  const began = Number(await beganAt(child.pid as number))
  assert.ok(began >= Number(await beganAt(process.pid)))
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.equal(await beganAt(child.pid as number), undefined)
})

test('each network namespace has an agent of its own', options, async () => {
  assert.match(await statePath('/run/x'), /^\/run\/x\/agent-\d+\.json$/)
})

async function stateOf(pid: number): Promise<AgentState> {
  return {
    pid,
    began: (await beganAt(pid)) ?? '',
    since: '2026-01-31T08:00:00.000Z',
    phase: 'starting',
    capture: { users: ['ada'] },
    listeners: ['127.0.0.1:3129'],
    group: 60_706,
    serve: { pid: null, user: 'ada', restarts: 0 },
    reasons: [],
  }
}

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { beganAt } from '../../../src/app/agent/state.ts'
import type { AgentState } from '../../../src/app/agent/state.ts'
import { agentStatus, stopAgent } from '../../../src/app/agent/status.ts'
import { tempFolder } from '../../support/temp.ts'

const options = { skip: process.platform !== 'linux' && '/proc is of Linux' }

test(
  'what is redirected is what the kernel says, where it may be asked, else what the agent says',
  options,
  async () => {
    const path = await told(process.pid, 'redirecting')
    const cases = [
      ['echo "meta skgid != 1 tcp dport { 80, 443 } jump web"', true],
      ['echo "chain outgoing {"', false],
      ['echo "Error: No such file or directory" >&2; exit 1', false],
      ['echo "Error: Operation not permitted" >&2; exit 1', true],
    ] as const
    for (const [script, redirecting] of cases) {
      const found = await agentStatus(path, standIn(script))
      assert.deepEqual([found.running, found.redirecting], [true, redirecting], script)
    }
    assert.equal((await agentStatus(path, '/no/such/nft')).redirecting, true)
  },
)

test('without an agent nothing runs', options, async () => {
  const found = await agentStatus(join(tempFolder('none'), 'agent.json'), '/no/such/nft')
  assert.deepEqual(found, { running: false, redirecting: false, state: undefined })
})

test('an agent that is told to stop is waited for', options, async () => {
  const child = spawn('sleep', ['60'])
  const exited = once(child, 'exit')
  const path = await told(child.pid as number, 'redirecting')
  assert.equal(await stopAgent(path, { waitMs: 60_000, now: false }), true)
  assert.deepEqual(await exited, [null, 'SIGTERM'])
  assert.equal(await stopAgent(path, { waitMs: 0, now: false }), false)
})

test(
  'one that does not end is told of, and SIGTERM is sent until it does where it must be at once',
  options,
  async () => {
    const script =
      'let n = 0; process.on("SIGTERM", () => ++n === 4 && process.exit()); process.stdout.write("on"); setInterval(() => {}, 1000)'
    const child = spawn(process.execPath, ['-e', script])
    await once(child.stdout, 'data')
    const path = await told(child.pid as number, 'redirecting')
    await assert.rejects(stopAgent(path, { waitMs: 0, now: false }), { code: 'redirect_failed', hint: /kill -9 \d+/ })
    assert.equal(await stopAgent(path, { waitMs: 60_000, now: true }), true)
    rmSync(path)
  },
)

async function told(pid: number, phase: AgentState['phase']): Promise<string> {
  const path = join(tempFolder('status'), 'agent.json')
  const state: AgentState = {
    pid,
    began: (await beganAt(pid)) ?? '',
    since: '2026-01-31T08:00:00.000Z',
    phase,
    capture: { users: ['ada'] },
    listeners: [],
    group: 1,
    serve: { pid: null, user: 'ada', restarts: 0 },
    reasons: [],
  }
  writeFileSync(path, JSON.stringify(state))
  return path
}

/** A program in the place of nft. */
function standIn(script: string): string {
  const nft = join(tempFolder('nft'), 'nft')
  writeFileSync(nft, `#!/bin/sh\n${script}\n`)
  chmodSync(nft, 0o755)
  return nft
}

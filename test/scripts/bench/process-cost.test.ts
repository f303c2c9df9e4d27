import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { processCost } from '../../../scripts/bench/process-cost.ts'

test('CPU and memory of a process include its children', { skip: process.platform !== 'linux' }, async () => {
  const before = processCost(process.pid)
  const child = spawn(
    process.execPath,
    ['-e', 'for (let i = 0; i < 3e8; i++); console.log(1); setInterval(() => {}, 1000)'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
  await once(child.stdout, 'data')
  const after = processCost(process.pid)
  child.kill()
  assert.ok(after.rssBytes > before.rssBytes + 10e6)
  assert.ok(after.cpuMs > before.cpuMs + 20)
})

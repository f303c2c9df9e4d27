import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { detach, limitFile } from '../../../src/app/agent/detach.ts'
import { tempFolder } from '../../support/temp.ts'

const script = (text: string): string => {
  const file = join(tempFolder('detach'), 'agent.mjs')
  writeFileSync(file, text)
  return file
}

test('it is left in the background once it is up, its output in a file of ours alone', async () => {
  const log = join(tempFolder('log'), 'run', 'agent.log')
  const agent = script(`console.log(process.argv[2]); process.send({ kind: 'up' }); setInterval(() => {}, 1000)`)
  const pid = await detach([agent, 'hello'], log, process.env)
  process.kill(pid, 'SIGKILL')
  assert.equal(readFileSync(log, 'utf8'), 'hello\n')
  assert.equal(statSync(log).mode & 0o777, process.platform === 'win32' ? 0o666 : 0o600)
})

test('what it fails with is what the command fails with', async () => {
  const log = join(tempFolder('log'), 'agent.log')
  const agent = script(
    `process.send({ kind: 'failed', code: 'config_invalid', message: 'there is no user x', hint: 'Look there.' }, () => process.exit(1))`,
  )
  await assert.rejects(detach([agent], log, process.env), {
    code: 'config_invalid',
    message: 'there is no user x',
    hint: `Look there. ${log} has what was said.`,
  })
  await assert.rejects(detach([script('process.exit(3)')], log, process.env), {
    code: 'redirect_failed',
    message: 'the agent ended: exit status 3',
  })
})

test('the file has a size: what is older is in a second, and what is older still is gone', async () => {
  const path = join(tempFolder('limit'), 'agent.log')
  await limitFile(path, 10)
  writeFileSync(path, 'short')
  await limitFile(path, 10)
  assert.equal(readFileSync(path, 'utf8'), 'short')
  for (const text of ['the first lines', 'the second lines']) {
    writeFileSync(path, text)
    await limitFile(path, 10)
  }
  assert.deepEqual([readFileSync(path, 'utf8'), readFileSync(`${path}.1`, 'utf8')], ['', 'the second lines'])
})

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checks } from '../../src/cli/doctor/checks.ts'
import { commandLine } from '../support/command-line.ts'
import { tempFolder } from '../support/temp.ts'

const freeDoors = {
  SALLYPORT_PROXY_LISTEN: '127.0.0.1:0',
  SALLYPORT_GATEWAY_LISTEN: '127.0.0.1:0',
  SALLYPORT_CONSOLE_LISTEN: '127.0.0.1:0',
}

type Line = { name: string; status: string; message: string; hint?: string }

async function jsonLines(cwd: string, env: Record<string, string>) {
  const { status, stdout } = await commandLine(['doctor', '--json'], { cwd, env: { ...freeDoors, ...env } })
  return {
    status,
    lines: stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line),
  }
}

test('every check reports, and a machine without a fault ends with 0', async () => {
  const { status, lines } = await jsonLines(tempFolder('doctor'), {})
  assert.deepEqual(
    lines.map(({ name }) => name),
    checks.map(({ name }) => name),
  )
  assert.deepEqual(
    lines.filter((line) => line.status === 'fail'),
    [],
  )
  assert.equal(status, 0)
})

test('a failure ends with 1, and the other checks run all the same', async () => {
  const cwd = tempFolder('doctor')
  writeFileSync(join(cwd, 'data'), '')
  const { status, lines } = await jsonLines(cwd, {})
  assert.equal(status, 1)
  assert.equal(lines.length, checks.length)
  assert.equal(lines.find(({ name }) => name === 'data folder')?.status, 'fail')
})

test('a check that cannot run is a failure, not silence', async () => {
  const cwd = tempFolder('doctor')
  mkdirSync(join(cwd, 'data'))
  writeFileSync(join(cwd, 'data', 'sallyport.db'), 'x'.repeat(10_000))
  const { status, lines } = await jsonLines(cwd, {})
  assert.equal(status, 1)
  assert.equal(lines.find(({ name }) => name === 'ledger')?.status, 'fail')
})

test('without a valid configuration only what does not need it is looked at, and that is said', async () => {
  const cwd = tempFolder('doctor')
  writeFileSync(join(cwd, 'sallyport.yaml'), 'prox: {}')
  const { status, stdout } = await commandLine(['doctor'], { cwd })
  assert.equal(status, 1)
  assert.match(stdout, /^fail +configuration +sallyport\.yaml:1:1: unknown key prox/m)
  assert.match(stdout, /^ +hint: `sallyport config check`/m)
  const needing = checks.filter(({ needs }) => needs === 'config').length
  assert.match(stdout, new RegExp(`^${needing} more checks need a valid configuration$`, 'm'))
})

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { later } from '../../src/config/later.ts'
import { commandLine } from '../support/command-line.ts'
import { tempFolder } from '../support/temp.ts'

function folderWith(text: string): string {
  const cwd = tempFolder('cli-config')
  writeFileSync(join(cwd, 'sallyport.yaml'), text)
  return cwd
}

test('check says that a file is valid', async () => {
  const printed = await commandLine(['config', 'check'], { cwd: folderWith('workers: 2') })
  assert.deepEqual(printed, { status: 0, stdout: 'sallyport.yaml: valid\n', stderr: '' })
})

test('check without a file says that all is default', async () => {
  const { status, stdout } = await commandLine(['config', 'check'], { cwd: tempFolder('cli-config') })
  assert.deepEqual([status, stdout], [0, 'no file, all defaults: valid\n'])
})

test('check names what is accepted but not yet in force', async () => {
  assert.ok(later.includes('gateway'), 'use another setting that waits for its feature')
  const cwd = folderWith('gateway: { cache: { enabled: true } }')
  const { stdout } = await commandLine(['config', 'check'], { cwd })
  assert.match(stdout, /^note: gateway\.cache\.enabled is accepted, but not yet in force$/m)
  const json = await commandLine(['config', 'check', '--json'], { cwd })
  assert.deepEqual(JSON.parse(json.stdout), { valid: true, file: 'sallyport.yaml', later: ['gateway.cache.enabled'] })
})

test('check fails on a file that is not valid; with --json the problems are data', async () => {
  const cwd = folderWith('proxy: { lisen: ":1" }')
  const plain = await commandLine(['config', 'check'], { cwd })
  assert.deepEqual(plain, {
    status: 1,
    stdout: '',
    stderr: 'error: sallyport.yaml:1:10: unknown key lisen in proxy\nhint: did you mean listen?\n',
  })
  const json = await commandLine(['config', 'check', '--json'], { cwd })
  assert.equal(json.status, 1)
  assert.deepEqual(JSON.parse(json.stdout), {
    valid: false,
    problems: [
      {
        where: 'sallyport.yaml:1:10',
        key: 'proxy.lisen',
        message: 'unknown key lisen in proxy',
        hint: 'did you mean listen?',
      },
    ],
  })
})

test('check fails on a file that is named and cannot be used, with its line', async () => {
  const cwd = folderWith('workers: 1\nupstream: { ca: [missing.pem] }')
  const plain = await commandLine(['config', 'check'], { cwd })
  assert.equal(plain.status, 1)
  assert.match(plain.stderr, /^error: sallyport\.yaml:2:\d+: upstream\.ca: cannot read .*missing\.pem$/m)
  assert.doesNotMatch(plain.stderr, /names the line/)
  const json = await commandLine(['config', 'check', '--json'], { cwd })
  assert.equal(json.status, 1)
  const { valid, problems } = JSON.parse(json.stdout) as { valid: boolean; problems: { key: string }[] }
  assert.deepEqual([valid, problems.map(({ key }) => key)], [false, ['upstream.ca']])
})

test('show prints value and origin, and no secret', async () => {
  const cwd = folderWith('console: { token: made-up-Zq8fK2 }\nlog: { level: warn }')
  const { status, stdout } = await commandLine(['config', 'show'], { cwd, env: { SALLYPORT_WORKERS: '3' } })
  assert.equal(status, 0)
  assert.match(stdout, /^KEY +VALUE +FROM$/m)
  assert.match(stdout, /^log\.level +warn +sallyport\.yaml:2$/m)
  assert.match(stdout, /^workers +3 +environment SALLYPORT_WORKERS$/m)
  assert.match(stdout, /^console\.token +\*\*\* +sallyport\.yaml:1$/m)
  assert.ok(!stdout.includes('made-up'))
})

test('show --json prints one object a line', async () => {
  const { stdout } = await commandLine(['config', 'show', '--json'], { cwd: folderWith('') })
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { key: string })
  assert.deepEqual(
    lines.find(({ key }) => key === 'workers'),
    { key: 'workers', value: 'auto', origin: 'default' },
  )
})

test('show fails as check does', async () => {
  const cwd = folderWith('- a')
  const { status, stdout, stderr } = await commandLine(['config', 'show'], { cwd })
  assert.deepEqual([status, stdout], [1, ''])
  assert.match(stderr, /^error: sallyport\.yaml:1:1: /)
})

test('schema prints a JSON Schema, whatever the configuration is', async () => {
  const { status, stdout } = await commandLine(['config', 'schema'], { cwd: folderWith('- a') })
  assert.equal(status, 0)
  assert.equal((JSON.parse(stdout) as { $schema: string }).$schema, 'https://json-schema.org/draft/2020-12/schema')
})

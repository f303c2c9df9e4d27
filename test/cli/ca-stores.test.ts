import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { commandLine } from '../support/command-line.ts'
import { tempFolder } from '../support/temp.ts'

const unix = { skip: process.platform === 'win32' && 'needs sh' }

test('install puts the CA where it is not yet, uninstall takes it out again, also after a rotation', unix, async () => {
  const { cwd, env, database } = await machineWithNss()
  const installed = await commandLine(['ca', 'install', 'nss'], { cwd, env })
  assert.equal(installed.status, 0, installed.stderr)
  assert.match(installed.stdout, /^nss +done +Firefox/)
  assert.match(
    installed.stderr,
    /^\+ certutil -A -d sql:\S+ -t C,, -n 'Sallyport CA .* \([0-9a-f]{8}\)' -i \S+ca\.pem$/m,
  )
  assert.equal(entries(database), 1)
  assert.match((await commandLine(['ca', 'install', 'nss'], { cwd, env })).stdout, /skipped +already there/)
  await commandLine(['ca', 'rotate'], { cwd, env })
  await commandLine(['ca', 'install', 'nss'], { cwd, env })
  assert.equal(entries(database), 2)
  const removed = await commandLine(['ca', 'uninstall', 'nss', '--json'], { cwd, env })
  assert.deepEqual(
    removed.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).result),
    ['done', 'done'],
  )
  assert.equal(entries(database), 0)
})

test('a dry run prints the commands and runs none', unix, async () => {
  const { cwd, env, database } = await machineWithNss()
  const { status, stdout } = await commandLine(['ca', 'install', 'nss', '--dry-run'], { cwd, env })
  assert.equal(status, 0)
  assert.match(stdout, /^certutil -A -d sql:.*\n$/)
  assert.equal(existsSync(database), false)
})

test('a store that fails makes the status 1', unix, async () => {
  const { cwd, env } = await machineWithNss()
  const { status, stdout } = await commandLine(['ca', 'install', 'nss'], { cwd, env: { ...env, FAKE_FAILS: '1' } })
  assert.equal(status, 1)
  assert.match(stdout, /^nss +failed +failed: certutil -A/)
})

test('an unknown store is wrong usage, and no CA is said', unix, async () => {
  const { cwd, env } = await machineWithNss()
  assert.equal((await commandLine(['ca', 'install', 'nsss'], { cwd, env })).status, 2)
  const empty = tempFolder('ca')
  assert.match((await commandLine(['ca', 'install'], { cwd: empty, env })).stderr, /^error: there is no CA in/)
})

/** A home with one browser database, and a certutil that keeps names in a file. */
async function machineWithNss() {
  const cwd = tempFolder('ca')
  const home = join(cwd, 'home')
  const folder = join(home, '.pki', 'nssdb')
  const bin = join(cwd, 'bin')
  for (const dir of [folder, bin]) mkdirSync(dir, { recursive: true })
  writeFileSync(join(folder, 'cert9.db'), '')
  const database = join(folder, 'names')
  writeFileSync(join(bin, 'certutil'), fakeCertutil(database))
  chmodSync(join(bin, 'certutil'), 0o755)
  const env = { PATH: `${bin}:${process.env['PATH']}`, HOME: home }
  await commandLine(['ca', 'init'], { cwd, env })
  return { cwd, env, database }
}

function fakeCertutil(database: string): string {
  return `#!/bin/sh
action=$1
while [ $# -gt 0 ]; do [ "$1" = -n ] && name=$2; shift; done
touch '${database}.lock'
case $action in
-A) [ -z "$FAKE_FAILS" ] && echo "$name" >> '${database}' ;;
-V) grep -qxF "$name" '${database}' 2>/dev/null ;;
-D) grep -vxF "$name" '${database}' > '${database}.new'; mv '${database}.new' '${database}' ;;
esac
`
}

function entries(database: string): number {
  return readFileSync(database, 'utf8').split('\n').filter(Boolean).length
}

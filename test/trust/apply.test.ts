import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { apply, installedIn, shellLine, storesOf, terminalRunner } from '../../src/trust/apply.ts'
import { trustStores } from '../../src/trust/index.ts'
import { asUser, type TrustStore } from '../../src/trust/store.ts'
import { exampleRoot, machineWith } from '../support/machines.ts'
import { tempFolder } from '../support/temp.ts'

const runInTerminal = terminalRunner(process.env)
const unix = { skip: process.platform === 'win32' && 'needs sh' }

test('a root is installed where it is not, found after, and removed again, with real commands', unix, async () => {
  const { store, files } = fileStore()
  const lines: string[] = []
  const options = {
    machine: machineWith({}),
    root: exampleRoot,
    onCommand: (line: string) => lines.push(line),
    run: runInTerminal,
  }
  writeFileSync(files[1] as string, '')
  assert.deepEqual(await installedIn(store, options), [1, 2])
  assert.equal((await apply('install', store, options)).result, 'done')
  assert.deepEqual(lines, [`touch ${files[0]}`])
  assert.deepEqual(await installedIn(store, options), [2, 2])
  assert.deepEqual(await apply('install', store, options), {
    store: 'files',
    result: 'skipped',
    detail: 'already there',
  })
  assert.equal((await apply('uninstall', store, options)).result, 'done')
  assert.deepEqual(await installedIn(store, options), [0, 2])
  assert.deepEqual(await apply('uninstall', store, options), { store: 'files', result: 'skipped', detail: 'not there' })
})

test('a dry run names every command and runs none', async () => {
  const { store, files } = fileStore()
  const lines: string[] = []
  const options = {
    machine: machineWith({}),
    root: exampleRoot,
    onCommand: (line: string) => lines.push(line),
    run: null,
  }
  await apply('install', store, options)
  assert.deepEqual(
    lines,
    files.map((file) => `touch ${file}`),
  )
  assert.ok(files.every((file) => !existsSync(file)))
})

test('a command that fails ends that store, and says which it was', unix, async () => {
  const failing: TrustStore = {
    name: 'broken',
    readers: '',
    available: () => true,
    places: () => [
      { check: ['false'], install: [asUser('sh', '-c', 'exit 3'), asUser('touch', '/nonexistent')], uninstall: [] },
    ],
  }
  const outcome = await apply('install', failing, {
    machine: machineWith({}),
    root: exampleRoot,
    onCommand: () => undefined,
    run: runInTerminal,
  })
  assert.deepEqual(outcome, { store: 'broken', result: 'failed', detail: "failed: sh -c 'exit 3'" })
  assert.equal(await runInTerminal(['/nonexistent/program'], true), false)
})

test('what needs rights is run by sudo, unless they are there', async () => {
  const machine = { programs: ['/usr/sbin/update-ca-certificates'], files: ['/usr/local/share/ca-certificates/x'] }
  for (const superuser of [true, false]) {
    const lines: string[] = []
    const { here } = storesOf(trustStores, machineWith({ ...machine, superuser }))
    assert.deepEqual(
      here.map(({ name }) => name),
      ['debian'],
    )
    await apply('install', here[0] as TrustStore, {
      machine: machineWith({ ...machine, superuser }),
      root: exampleRoot,
      onCommand: (line) => lines.push(line),
      run: null,
    })
    assert.equal(
      lines.every((line) => line.startsWith('sudo -- ')),
      !superuser,
    )
  }
})

test('every store of every machine undoes all that it does, and no word of a command is lost in a shell', () => {
  const machines = [
    machineWith({
      programs: ['/a/update-ca-certificates', '/a/update-ca-trust', '/a/certutil', '/a/keytool'],
      files: [
        '/usr/local/share/ca-certificates/x',
        '/etc/pki/ca-trust/source/anchors/x',
        '/home/ana/.pki/nssdb/cert9.db',
      ],
    }),
    machineWith({ platform: 'darwin', programs: ['/a/security'] }),
    machineWith({ platform: 'win32', programs: ['C:/certutil'] }),
  ]
  const seen = new Set<string>()
  for (const machine of machines) {
    for (const { name, places } of storesOf(trustStores, machine).here) {
      seen.add(name)
      for (const { check, install, uninstall } of places(machine, exampleRoot)) {
        assert.ok(check.length > 0 && install.length > 0 && uninstall.length > 0, name)
      }
    }
  }
  assert.equal(seen.size, trustStores.length)
  assert.equal(shellLine(['a', "it's", 'b c', '']), `a 'it'\\''s' 'b c' ''`)
})

function fileStore(): { store: TrustStore; files: string[] } {
  const dir = tempFolder('apply')
  const files = [join(dir, 'one'), join(dir, 'two')]
  const store: TrustStore = {
    name: 'files',
    readers: 'nobody',
    available: () => true,
    places: () =>
      files.map((file) => ({
        check: ['test', '-e', file],
        install: [asUser('touch', file)],
        uninstall: [asUser('rm', file)],
      })),
  }
  return { store, files }
}

import assert from 'node:assert/strict'
import test from 'node:test'
import { windows } from '../../src/trust/windows.ts'
import { exampleRoot, machineWith } from '../support/machines.ts'

const pc = machineWith({ platform: 'win32', programs: ['C:/Windows/System32/certutil'] })

test("the root goes to the user's own store and is removed by its hash, without an administrator", () => {
  assert.equal(windows.available(pc), true)
  const [place] = windows.places(pc, exampleRoot)
  assert.deepEqual(place?.install, [
    { argv: ['certutil', '-user', '-addstore', 'Root', exampleRoot.pemFile], asRoot: false },
  ])
  assert.deepEqual(place?.uninstall, [
    { argv: ['certutil', '-user', '-delstore', 'Root', exampleRoot.sha1], asRoot: false },
  ])
})

test('a certutil elsewhere is the one of NSS, not this one', () => {
  assert.equal(windows.available(machineWith({ programs: ['/usr/bin/certutil'] })), false)
})

import assert from 'node:assert/strict'
import test from 'node:test'
import { macos } from '../../src/trust/macos.ts'
import { exampleRoot, machineWith } from '../support/machines.ts'

const mac = machineWith({ platform: 'darwin', programs: ['/usr/bin/security'] })

test('the root is trusted in the system keychain, and removed by its hash', () => {
  assert.equal(macos.available(mac), true)
  const [place] = macos.places(mac, exampleRoot)
  const [trusted] = place?.install ?? []
  assert.equal(trusted?.asRoot, true)
  assert.deepEqual(trusted?.argv.slice(0, 2), ['security', 'add-trusted-cert'])
  assert.equal(trusted?.argv.at(-1), exampleRoot.pemFile)
  assert.ok(place?.uninstall.some(({ argv }) => argv.includes(exampleRoot.sha1)))
})

test('other systems do not have it', () => {
  assert.equal(macos.available(machineWith({ programs: ['/usr/bin/security'] })), false)
})

import assert from 'node:assert/strict'
import test from 'node:test'
import { redhat } from '../../src/trust/redhat.ts'
import { exampleRoot, machineWith } from '../support/machines.ts'

const programs = ['/usr/bin/update-ca-trust']

test('the anchor is a .pem file in the folder that the distribution reads', () => {
  for (const folder of ['/etc/pki/ca-trust/source/anchors', '/etc/ca-certificates/trust-source/anchors']) {
    const machine = machineWith({ programs, files: [`${folder}/README`] })
    assert.equal(redhat.available(machine), true)
    const [place] = redhat.places(machine, exampleRoot)
    const file = `${folder}/sallyport-0123abcd.pem`
    assert.deepEqual(place?.install, [
      { argv: ['install', '-m', '0644', '/data/certs/ca.pem', file], asRoot: true },
      { argv: ['update-ca-trust', 'extract'], asRoot: true },
    ])
    assert.deepEqual(place?.uninstall[0], { argv: ['rm', '-f', file], asRoot: true })
  }
})

test('a machine without the tool does not have it', () => {
  assert.equal(redhat.available(machineWith({ files: ['/etc/pki/ca-trust/source/anchors/README'] })), false)
  assert.equal(redhat.available(machineWith({ programs })), false)
})

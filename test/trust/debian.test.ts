import assert from 'node:assert/strict'
import test from 'node:test'
import { debian } from '../../src/trust/debian.ts'
import { exampleRoot, machineWith } from '../support/machines.ts'

const programs = ['/usr/sbin/update-ca-certificates']

test('the anchor is a .crt file in the folder that the distribution reads', () => {
  for (const folder of ['/usr/local/share/ca-certificates', '/etc/pki/trust/anchors']) {
    const machine = machineWith({ programs, files: [`${folder}/.keep`] })
    assert.equal(debian.available(machine), true)
    const [place] = debian.places(machine, exampleRoot)
    const file = `${folder}/sallyport-0123abcd.crt`
    assert.deepEqual(place?.install, [
      { argv: ['install', '-m', '0644', '/data/certs/ca.pem', file], asRoot: true },
      { argv: ['update-ca-certificates'], asRoot: true },
    ])
    assert.deepEqual(place?.uninstall[0]?.argv, ['rm', '-f', file])
    assert.deepEqual(place?.check, ['cmp', '-s', '/data/certs/ca.pem', file])
  }
})

test('another family, or another system, does not have it', () => {
  const files = ['/usr/local/share/ca-certificates/.keep']
  assert.equal(debian.available(machineWith({ files })), false)
  assert.equal(debian.available(machineWith({ programs })), false)
  assert.equal(debian.available(machineWith({ programs, files, platform: 'darwin' })), false)
})

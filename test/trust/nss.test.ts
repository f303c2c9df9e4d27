import assert from 'node:assert/strict'
import test from 'node:test'
import { nss } from '../../src/trust/nss.ts'
import { exampleRoot, machineWith } from '../support/machines.ts'

const programs = ['/usr/bin/certutil']
const files = [
  '/home/ana/.pki/nssdb/cert9.db',
  '/home/ana/.mozilla/firefox/profiles.ini',
  '/home/ana/.mozilla/firefox/x1.default/cert9.db',
  '/home/ana/.mozilla/firefox/old/cert8.db',
  '/home/ana/.mozilla/firefox/empty/prefs.js',
]

test('every database of the user is a place of its own', () => {
  const places = nss.places(machineWith({ programs, files }), exampleRoot)
  assert.deepEqual(
    places.map(({ check }) => check[3]),
    ['sql:/home/ana/.pki/nssdb', 'sql:/home/ana/.mozilla/firefox/x1.default', 'dbm:/home/ana/.mozilla/firefox/old'],
  )
  for (const { install, uninstall } of places) {
    assert.ok([...install, ...uninstall].every(({ argv, asRoot }) => !asRoot && argv.includes(exampleRoot.name)))
  }
})

test('a browser without the tool is told of, a machine without browsers is not', () => {
  assert.equal(nss.available(machineWith({ programs, files })), true)
  assert.match(String(nss.available(machineWith({ files }))), /certutil is missing: install libnss3-tools/)
  assert.equal(nss.available(machineWith({ programs })), false)
  assert.equal(nss.available(machineWith({ programs, files, platform: 'win32' })), false)
})

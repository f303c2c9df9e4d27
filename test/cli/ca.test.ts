import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { commandLine } from '../support/command-line.ts'
import { tempFolder } from '../support/temp.ts'

test('init makes the CA for the hosts of the default policy, once', async () => {
  const cwd = tempFolder('ca')
  const first = await commandLine(['ca', 'init'], { cwd })
  assert.equal(first.status, 0, first.stderr)
  assert.match(first.stdout, /^made Sallyport CA /)
  const pem = readFileSync(join(cwd, 'certs', 'ca.pem'), 'utf8')
  const second = await commandLine(['ca', 'init'], { cwd })
  assert.equal(second.status, 0)
  assert.match(second.stdout, /is there already/)
  assert.equal(readFileSync(join(cwd, 'certs', 'ca.pem'), 'utf8'), pem)
  const shown = JSON.parse((await commandLine(['ca', 'show', '--json'], { cwd })).stdout)
  assert.ok(shown.permitted.includes('api.openai.com'))
  assert.deepEqual(shown.outside, [])
  assert.equal(shown.fingerprint, new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase())
  assert.equal(shown.certificate, join(cwd, 'certs', 'ca.pem'))
})

test('the limits follow the policies, and show names what is outside of them', async () => {
  const cwd = folderWith(inspecting('llm.corp.example'))
  await commandLine(['ca', 'init'], { cwd })
  assert.match((await commandLine(['ca', 'show'], { cwd })).stdout, /may vouch for llm\.corp\.example\n/)
  writeFileSync(join(cwd, 'policies', '10.yaml'), inspecting('other.example'))
  assert.match((await commandLine(['ca', 'show'], { cwd })).stdout, /outside of that: other\.example/)
  const rotated = await commandLine(['ca', 'rotate'], { cwd })
  assert.equal(rotated.status, 0, rotated.stderr)
  assert.match(rotated.stdout, /may vouch for other\.example\n/)
  assert.equal(readdirSync(join(cwd, 'certs')).filter((name) => /^ca\.pem\.\d{4}-/.test(name)).length, 1)
})

test('without name constraints the CA may vouch for every host', async () => {
  const cwd = tempFolder('ca')
  writeFileSync(join(cwd, 'own.yaml'), 'ca: { dir: here, nameConstraints: off }\n')
  const { stdout, status } = await commandLine(['ca', 'init', '-c', 'own.yaml'], { cwd })
  assert.equal(status, 0)
  assert.match(stdout, /may vouch for every host/)
  assert.ok(existsSync(join(cwd, 'here', 'ca.key')))
})

test('export writes the certificate and never the key', async () => {
  const cwd = folderWith('')
  await commandLine(['ca', 'init'], { cwd })
  const pem = readFileSync(join(cwd, 'certs', 'ca.pem'), 'utf8')
  assert.equal((await commandLine(['ca', 'export'], { cwd })).stdout, pem)
  for (const format of ['pem', 'der', 'p12', 'jks', 'mobileconfig']) {
    const out = `ca.${format}`
    const { status, stdout } = await commandLine(['ca', 'export', '--format', format, '--out', out], { cwd })
    assert.deepEqual([status, stdout], [0, ''])
    assert.doesNotMatch(readFileSync(join(cwd, out), 'latin1'), /PRIVATE/)
  }
  assert.equal(new X509Certificate(readFileSync(join(cwd, 'ca.der'))).toString(), pem)
  assert.equal((await commandLine(['ca', 'export', '--format', 'pfx'], { cwd })).status, 2)
})

test('what is wrong with the CA is said, with a hint', async () => {
  const cwd = folderWith('')
  const none = await commandLine(['ca', 'show'], { cwd })
  assert.equal(none.status, 1)
  assert.match(none.stderr, /^error: there is no CA in .*certs\nhint: `sallyport ca init`/)
  assert.equal((await commandLine(['ca', 'export'], { cwd })).status, 1)
  await commandLine(['ca', 'init'], { cwd })
  rmSync(join(cwd, 'certs', 'ca.key'))
  utimesSync(join(cwd, 'certs', 'ca.pem'), 1, 1)
  const lost = await commandLine(['ca', 'init'], { cwd })
  assert.equal(lost.status, 1)
  assert.match(lost.stderr, /^error: .*ca\.key is missing beside its certificate\nhint: .*ca rotate/)
  assert.equal((await commandLine(['ca', 'rotate'], { cwd })).status, 0)
})

function inspecting(host: string): string {
  return `intercept: [{ hosts: [${host}], action: inspect }, { hosts: ["*"], action: tunnel }]`
}

function folderWith(policy: string): string {
  const cwd = tempFolder('ca')
  writeFileSync(join(cwd, 'sallyport.yaml'), '')
  if (policy !== '') mkdirSync(join(cwd, 'policies'))
  if (policy !== '') writeFileSync(join(cwd, 'policies', '10.yaml'), policy)
  return cwd
}

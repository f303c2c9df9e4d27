import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { privateKeyFrom, publicKeyOf } from '../../src/attest/keys.ts'
import { attestIn } from '../support/attest.ts'
import { tempFolder } from '../support/temp.ts'

test('a key is PKCS#8 in PEM, for its owner only; its public half is printed', async () => {
  const cwd = tempFolder('keygen')
  const { status, stdout, stderr } = await attestIn(cwd)('keygen', '--out', 'device.pem')
  assert.deepEqual([status, stderr], [0, ''])
  const path = join(cwd, 'device.pem')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const pem = readFileSync(path, 'utf8')
  assert.match(pem, /^-----BEGIN PRIVATE KEY-----\n[\w+/=]{64}\n-----END PRIVATE KEY-----\n$/)
  assert.equal(createPrivateKey(pem).asymmetricKeyType, 'ed25519')
  assert.equal(stdout, `${publicKeyOf(privateKeyFrom(pem)).toString('base64url')}\n`)
  assert.deepEqual(readdirSync(cwd), ['device.pem'])
})

test('with --json the public key has a name', async () => {
  const cwd = tempFolder('keygen')
  const { stdout } = await attestIn(cwd)('keygen', '--out', 'device.pem', '--json')
  const { file, publicKey } = JSON.parse(stdout) as { file: string; publicKey: string }
  assert.equal(publicKeyOf(privateKeyFrom(readFileSync(file, 'utf8'))).toString('base64url'), publicKey)
})

test('what is there already stays', async () => {
  const cwd = tempFolder('keygen')
  const attest = attestIn(cwd)
  await attest('keygen', '--out', 'device.pem')
  const before = readFileSync(join(cwd, 'device.pem'))
  const { status, stdout, stderr } = await attest('keygen', '--out', 'device.pem')
  assert.deepEqual([status, stdout], [1, ''])
  assert.match(stderr, /^error: device\.pem is there already\nhint: /)
  assert.deepEqual(readFileSync(join(cwd, 'device.pem')), before)
})

test('a folder that is not there is told', async () => {
  const { status, stderr } = await attestIn(tempFolder('keygen'))('keygen', '--out', 'none/device.pem')
  assert.equal(status, 1)
  assert.match(stderr, /^error: .*ENOENT/)
})

test('a folder that is not there is named, and nothing of ours', async () => {
  const { status, stdout, stderr } = await attestIn(tempFolder('keygen'))('keygen', '--out', 'none/device.pem')
  assert.deepEqual([status, stdout], [1, ''])
  assert.match(stderr, /^error: none\/device\.pem cannot be written: ENOENT\nhint: /)
})

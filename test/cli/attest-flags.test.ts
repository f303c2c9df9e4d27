import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { newDeviceKey } from '../../src/attest/keys.ts'
import { futureOf, periodOf, privateKeyIn, publicKeyOfFlag, textOfInput } from '../../src/cli/attest-flags.ts'
import { UsageError, type Io } from '../../src/cli/command.ts'
import { SallyportError } from '../../src/core/errors.ts'
import { sink } from '../support/command-line.ts'
import { tempFolder } from '../support/temp.ts'

function ioIn(cwd: string, stdin = ''): Io {
  return { stdin: Readable.from([stdin]), stdout: sink().stream, stderr: sink().stream, env: {}, cwd }
}

test('a public key is given as text, or as a file with text or PEM', () => {
  const cwd = tempFolder('flags')
  const { publicKey } = generateKeyPairSync('ed25519')
  const text = publicKey.export({ format: 'jwk' }).x as string
  writeFileSync(join(cwd, 'text.pub'), `${text}\n`)
  writeFileSync(join(cwd, 'pem.pub'), publicKey.export({ format: 'pem', type: 'spki' }))
  for (const given of [text, 'text.pub', 'pem.pub', join(cwd, 'pem.pub')])
    assert.equal(publicKeyOfFlag(given, ioIn(cwd)).toString('base64url'), text)
})

const { privatePem } = newDeviceKey()
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'pem', type: 'spki' })

const unfit: [what: string, content: string | undefined, said: RegExp][] = [
  ['no file', undefined, /neither an Ed25519 public key nor a file/],
  ['a private key', privatePem, /is a private key/],
  ['a key of another kind', String(p256), /has no Ed25519 public key/],
  ['a point of small order', Buffer.alloc(32).toString('base64url'), /has no Ed25519 public key/],
  ['something else', 'hello', /has no Ed25519 public key/],
  ['something large', 'x'.repeat(70_000), /cannot be read: EFBIG/],
]

for (const [what, content, said] of unfit) {
  test(`${what} is no public key, and the error has nothing of it`, () => {
    const cwd = tempFolder('flags')
    if (content !== undefined) writeFileSync(join(cwd, 'file'), content)
    assert.throws(
      () => publicKeyOfFlag('file', ioIn(cwd)),
      (thrown) =>
        thrown instanceof SallyportError &&
        said.test(thrown.message) &&
        !(
          content !== undefined && content.split('\n').some((line) => line.length > 9 && thrown.message.includes(line))
        ),
    )
  })
}

test('text that is no public key is told as that, and not repeated', () => {
  const { publicKey } = newDeviceKey()
  for (const text of [
    privatePem,
    publicKey.toString('base64'),
    publicKey.toString('hex'),
    Buffer.alloc(32).toString('base64url'),
  ])
    assert.throws(
      () => publicKeyOfFlag(text, ioIn(tempFolder('flags'))),
      (thrown) =>
        thrown instanceof SallyportError &&
        /public-key is (?:a private key|neither an Ed25519 public key nor a file)/.test(thrown.message) &&
        thrown.hint !== '' &&
        !thrown.message.includes(text.slice(30, 40)),
    )
})

test('a folder is no input', async () => {
  const cwd = tempFolder('flags')
  mkdirSync(join(cwd, 'folder'))
  await assert.rejects(textOfInput('folder', ioIn(cwd)), /EISDIR/)
})

test('standard input is read as far as it may be long', async () => {
  assert.equal(await textOfInput('-', ioIn('/', 'a code\n')), 'a code\n')
  await assert.rejects(textOfInput('-', ioIn('/', 'x'.repeat(70_000))), UsageError)
})

test('times are times to come, and periods are periods', () => {
  assert.equal(futureOf('expires', '2099-01-31'), '2099-01-31T00:00:00.000Z')
  assert.equal(periodOf('overlap', '24h'), 86_400_000)
  for (const text of ['', 'soon', '2020-01-01', '0d', '-1d']) assert.throws(() => futureOf('expires', text), UsageError)
  for (const text of ['', '1', '1w', '-1h']) assert.throws(() => periodOf('overlap', text), UsageError)
})

test('a private key that others may read is used, and told', { skip: process.platform === 'win32' }, () => {
  const cwd = tempFolder('flags')
  const file = join(cwd, 'device.pem')
  writeFileSync(file, privatePem, { mode: 0o600 })
  const said = (): string => {
    const stderr = sink()
    assert.equal(privateKeyIn('device.pem', { ...ioIn(cwd), stderr: stderr.stream }).type, 'private')
    return stderr.text()
  }
  assert.equal(said(), '')
  chmodSync(file, 0o640)
  assert.equal(said(), 'warning: device.pem can be read by others: chmod 600\n')
})

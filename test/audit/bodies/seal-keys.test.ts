import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSealKeys } from '../../../src/audit/bodies/seal-keys.ts'
import { tempFolder } from '../../support/temp.ts'

const key = Buffer.from([...randomBytes(31), 0xff])

function fileOf(content: string | Buffer, mode = 0o600): string {
  const file = join(tempFolder('seal-keys'), 'key')
  writeFileSync(file, content, { mode })
  return file
}

const none = (): never => assert.fail('no warning is due')

test('a key is read as it is, in hexadecimal or in base64, from a file or the environment', () => {
  const [hex, base64] = [key.toString('hex'), key.toString('base64')]
  for (const content of [key, hex, hex.toUpperCase(), `${hex}\n`, base64, `${base64}\n`, `${base64}\r\n`]) {
    const [read] = readSealKeys({ keys: [{ id: 'k', file: fileOf(content) }] }, {}, none)
    assert.ok(read?.id === 'k' && Buffer.from(read.key).equals(key))
  }
  for (const text of [hex, base64]) {
    const [read] = readSealKeys({ keys: [{ id: 'k', env: 'KEY' }] }, { KEY: text }, none)
    assert.ok(read !== undefined && Buffer.from(read.key).equals(key))
  }
})

test('no setting, no keys', () => {
  assert.deepEqual(readSealKeys(null, {}, none), [])
})

const unfit: [what: string, content: string | Buffer][] = [
  ['empty', ''],
  ['short', key.subarray(1)],
  ['long', Buffer.concat([key, Buffer.of(1)])],
  ['half a key in hexadecimal', key.toString('hex').slice(32)],
  ['a password of 32 characters', 'correct horse battery staple!!!!'],
  ['a line too many', `${key.toString('hex')}\n\n`],
  ['base64 without its end', key.toString('base64').slice(0, -1)],
  ['base64 of an URL', Buffer.alloc(32, 0xff).toString('base64url')],
  ['base64 with bits left over', `${'A'.repeat(42)}B=`],
  ['far too long', Buffer.alloc(100_000, 'a')],
]

for (const [what, content] of unfit) {
  test(`a key that is ${what} is refused by its name, and nothing of it is told`, () => {
    const file = fileOf(content)
    assert.throws(
      () => readSealKeys({ keys: [{ id: 'k9', file }] }, {}, none),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'config_invalid')
        assert.match(error.message, /audit\.encryption\.keys\[0\] \(k9\): .* does not hold a key of 32 bytes/)
        const text = content.toString('latin1')
        return text.length < 8 || !error.message.includes(text.slice(0, 8))
      },
    )
  })
}

test('a key that is not there, is a folder, or is there twice, is refused by its name', () => {
  const dir = tempFolder('seal-keys')
  const refused = (entry: { file?: string; env?: string }, reason: RegExp): void =>
    assert.throws(() => readSealKeys({ keys: [{ id: 'k', ...entry }] }, {}, none), {
      code: 'config_invalid',
      message: reason,
    })
  refused({ file: join(dir, 'gone') }, /\(k\): cannot read .*gone/)
  refused({ file: dir }, /\(k\)/)
  refused({ env: 'NOT_THERE' }, /\(k\): the environment variable NOT_THERE is not set/)
  assert.throws(
    () =>
      readSealKeys(
        {
          keys: [
            { id: 'a', file: fileOf(key) },
            { id: 'b', env: 'KEY' },
          ],
        },
        { KEY: key.toString('hex') },
        none,
      ),
    { code: 'config_invalid', message: /\(b\): is the same key as .*\(a\)/ },
  )
})

test('a key file that others may read is warned of', { skip: process.platform === 'win32' }, () => {
  const warnings: string[] = []
  readSealKeys({ keys: [{ id: 'k', file: fileOf(key, 0o640) }] }, {}, (message) => void warnings.push(message))
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /\(k\): .* can be read by others \(mode 0640\): make it 0600/)
})

import assert from 'node:assert/strict'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { decoded, inputsOf, textOf, told } from '../../src/cli/scan-files.ts'
import { SallyportError } from '../../src/core/errors.ts'
import { tempFolder } from '../support/temp.ts'

const bytes: readonly [what: string, bytes: Buffer, text: string | undefined][] = [
  ['UTF-8', Buffer.from('año €'), 'año €'],
  ['UTF-8 with its mark', Buffer.from('\uFEFFx'), '\uFEFFx'],
  ['UTF-16, little end first', Buffer.from('\uFEFFaño', 'utf16le'), '\uFEFFaño'],
  ['UTF-16, big end first', Buffer.from('\uFEFFaño', 'utf16le').swap16(), '\uFEFFaño'],
  ['latin1', Buffer.from('año', 'latin1'), 'año'],
  ['no text', Buffer.from('PK\u0003\u0004\0\0'), undefined],
  ['nothing', Buffer.alloc(0), ''],
]
for (const [what, given, text] of bytes) test(`${what} is read as it is`, () => assert.equal(decoded(given), text))

test('standard input and files keep their names and order', async () => {
  const folder = tempFolder('scan')
  for (const name of ['b', 'a']) writeFileSync(join(folder, name), name)
  const names = async (...given: string[]) => (await inputsOf(given, folder)).map(({ name }) => name)
  assert.deepEqual(await names('b', '-', 'a'), ['b', '-', 'a'])
  assert.deepEqual(await names('.'), ['a', 'b'])
})

test('what is not there, or too large, is told with its name', async () => {
  const folder = tempFolder('scan')
  await assert.rejects(inputsOf(['gone'], folder), /gone cannot be read: ENOENT/)
  const path = join(folder, 'large')
  writeFileSync(path, '')
  truncateSync(path, 256 * 2 ** 20 + 1)
  await assert.rejects(textOf({ name: 'large', path }), /large is larger than 256 MiB/)
})

test('faults of our own stay what they are', async () => {
  const own = new SallyportError('unreadable_body', 'no')
  await assert.rejects(
    told('x', () => Promise.reject(own)),
    own,
  )
  await assert.rejects(
    told('x', () => Promise.reject(new TypeError('bug'))),
    TypeError,
  )
})

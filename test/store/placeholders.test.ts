import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { forgetPlaceholders, openPlaceholders } from '../../src/store/placeholders.ts'
import { tempFolder } from '../support/temp.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const text = (found: Uint8Array | undefined): string | undefined => found && Buffer.from(found).toString()
const unexpected = (cause: unknown): never => assert.fail(String(cause))

function openIn(dir: string, over: Partial<Parameters<typeof openPlaceholders>[0]> = {}) {
  const options = { dir, now: () => 1_000, keepMs: 1_000, maxRows: 100, failed: unexpected, ...over }
  return openPlaceholders(options)
}

test('what one process put another finds, also later', () => {
  const dir = tempFolder('placeholders')
  const one = openIn(dir)
  assert.equal(one.empty('a'), true)
  one.put('a', 'QX_1', bytes('sealed'))
  assert.deepEqual([text(one.find('QX_1')), one.empty('a')], ['sealed', false])
  one.close()
  const other = openIn(dir)
  assert.deepEqual([text(other.find('QX_1')), other.find('QX_2')], ['sealed', undefined])
  assert.deepEqual([other.empty('a'), other.empty('b')], [false, true])
  other.close()
  assert.equal(statSync(join(dir, 'placeholders.db')).mode & 0o777, 0o600)
})

test('what is old or too many is forgotten when others are written', () => {
  const dir = tempFolder('placeholders')
  const first = openIn(dir, { now: () => 1_000 })
  for (let i = 0; i < 10; i++) first.put('a', `QX_old${i}`, bytes('x'))
  first.close()
  const second = openIn(dir, { now: () => 2_500 })
  second.put('a', 'QX_new', bytes('y'))
  second.close()
  const third = openIn(dir, { now: () => 2_600, maxRows: 3 })
  assert.deepEqual([third.find('QX_old0'), text(third.find('QX_new'))], [undefined, 'y'])
  for (let i = 0; i < 10; i++) third.put('a', `QX_more${i}`, bytes('z'))
  third.close()
  const fourth = openIn(dir, { now: () => 2_600 })
  const kept = Array.from({ length: 10 }, (_, i) => fourth.find(`QX_more${i}`)).filter((one) => one !== undefined)
  assert.deepEqual([kept.length, fourth.find('QX_new')], [3, undefined])
  fourth.close()
})

test('a file that is no database is as if nothing were there, and is told', () => {
  const dir = tempFolder('placeholders')
  writeFileSync(join(dir, 'placeholders.db'), 'no database at all, though long enough to be looked at '.repeat(9))
  let told = 0
  const broken = openIn(dir, { failed: () => void told++ })
  broken.put('a', 'QX_1', bytes('sealed'))
  assert.deepEqual([broken.find('QX_1'), broken.empty('a'), told], [undefined, true, 1])
  broken.close()
  assert.match(readFileSync(join(dir, 'placeholders.db'), 'utf8'), /^no database/)
})

test('a tenant is forgotten beside a program that runs: all, or what is old; also from the bytes of the file', () => {
  const dir = tempFolder('placeholders')
  assert.equal(forgetPlaceholders(dir, 'a'), 0)
  const early = openIn(dir, { now: () => 1_000 })
  early.put('a', 'QX_1', bytes('first-sealed'))
  early.put('b', 'QX_2', bytes('other-sealed'))
  early.close()
  const late = openIn(dir, { now: () => 1_500 })
  late.put('a', 'QX_3', bytes('second-sealed'))
  late.close()
  const open = openIn(dir)
  assert.equal(forgetPlaceholders(dir, 'a', 1_200), 1)
  assert.deepEqual([open.find('QX_1'), text(open.find('QX_3'))], [undefined, 'second-sealed'])
  assert.equal(forgetPlaceholders(dir, 'a'), 1)
  assert.deepEqual([open.empty('a'), open.empty('b')], [true, false])
  open.close()
  const left = readFileSync(join(dir, 'placeholders.db')).toString('latin1')
  assert.deepEqual(
    ['first', 'second', 'other'].map((word) => left.includes(`${word}-sealed`)),
    [false, false, true],
  )
})

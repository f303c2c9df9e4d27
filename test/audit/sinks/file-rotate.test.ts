import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { rotate } from '../../../src/audit/sinks/file-rotate.ts'
import { tempFolder } from '../../support/temp.ts'

const cases: [string, Record<string, string>, number, Record<string, string>][] = [
  ['the first time', { '': 'd' }, 2, { '.1': 'd' }],
  ['with room', { '': 'd', '.1': 'c' }, 3, { '.1': 'd', '.2': 'c' }],
  ['without room: the oldest goes', { '': 'd', '.1': 'c', '.2': 'b' }, 2, { '.1': 'd', '.2': 'c' }],
  ['one is kept', { '': 'd', '.1': 'c' }, 1, { '.1': 'd' }],
  [
    'a gap, left by one that was killed, is filled',
    { '': 'd', '.1': 'c', '.3': 'a' },
    3,
    { '.1': 'd', '.2': 'c', '.3': 'a' },
  ],
  ['the gap is at the front', { '': 'd', '.2': 'b' }, 3, { '.1': 'd', '.2': 'b' }],
  ['nothing to rotate', { '.1': 'c' }, 2, { '.2': 'c' }],
]

for (const [what, before, keep, after] of cases) {
  test(`${what}`, async () => {
    const path = join(tempFolder('rotate'), 'x')
    for (const [end, text] of Object.entries(before)) writeFileSync(path + end, text)
    await rotate(path, keep)
    const found = ['', '.1', '.2', '.3', '.4'].filter((end) => existsSync(path + end))
    assert.deepEqual(Object.fromEntries(found.map((end) => [end, readFileSync(path + end, 'utf8')])), after)
  })
}

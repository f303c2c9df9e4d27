import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest } from '../../src/lib/nearest.ts'

const keys = ['mode', 'intercept', 'rules', 'onError', 'onRejectedLeaf', 'timeoutMs', 'on']
const cases: readonly [word: string, meant: string | undefined][] = [
  ['mdoe', 'mode'],
  ['mod', 'mode'],
  ['Rules', 'rules'],
  ['ruels', 'rules'],
  ['onErr', 'onError'],
  ['onerror', 'onError'],
  ['inter', 'intercept'],
  ['timeoutMsec', 'timeoutMs'],
  ['timeout', 'timeoutMs'],
  ['zzz', undefined],
  ['', undefined],
  ['x', undefined],
  ['completely', undefined],
]

for (const [word, meant] of cases) {
  test(`${JSON.stringify(word)} was probably meant to be ${meant ?? 'none of them'}`, () => {
    assert.equal(nearest(word, keys), meant)
  })
}

test('the closest wins over the first', () => {
  assert.equal(nearest('hosts', ['host', 'hostx', 'hosts']), 'hosts')
})

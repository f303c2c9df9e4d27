import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reasonOf } from '../../../src/audit/sinks/reasons.ts'

const coded = (code: string) => Object.assign(new Error('made-up secret'), { code })
const cases: [unknown, string][] = [
  [coded('ECONNREFUSED'), 'ECONNREFUSED: nothing listens there'],
  [coded('ERR_SSL_WRONG_VERSION_NUMBER'), 'ERR_SSL_WRONG_VERSION_NUMBER'],
  [new AggregateError([coded('ENOTFOUND'), coded('ECONNRESET')]), 'ENOTFOUND: the name does not resolve'],
  [new AggregateError([]), 'AggregateError'],
  [new TypeError('made-up secret'), 'TypeError'],
  ['made-up secret', 'unknown'],
]

for (const [thrown, wanted] of cases) {
  test(`${wanted}: a reason has nothing of the message in it`, () => {
    assert.equal(reasonOf(thrown), wanted)
  })
}

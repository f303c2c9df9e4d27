import assert from 'node:assert/strict'
import test from 'node:test'
import { requestSize } from '../../../src/inspect/hooks/request-size.ts'
import { ask, env } from '../../support/hooks.ts'

for (const [bodyBytes, found] of [
  [0, 0],
  [10, 0],
  [11, 1],
] as const) {
  test(`a body of ${bodyBytes} bytes is ${found === 1 ? 'more than' : 'within'} ten`, async () => {
    const { findings } = await ask(requestSize.create({ maxBytes: 10 }, env), { bodyBytes })
    assert.equal(findings.length, found)
  })
}

test('a size must be given', () => {
  for (const options of [{}, { maxBytes: -1 }, { maxBytes: 1.5 }])
    assert.equal(requestSize.options.safeParse(options).success, false)
})

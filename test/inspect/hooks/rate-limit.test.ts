import assert from 'node:assert/strict'
import test from 'node:test'
import { rateLimit } from '../../../src/inspect/hooks/rate-limit.ts'
import { memoryLimiter } from '../../../src/inspect/limiter.ts'
import type { BoundHook } from '../../../src/inspect/hook.ts'
import { ask, env } from '../../support/hooks.ts'
import type { Asked } from '../../support/hooks.ts'

const made = (options: object, rule = 'r', limiter = memoryLimiter({ now: env.now })): BoundHook =>
  rateLimit.create(options, { ...env, limiter, rule })
const admits = async (hook: BoundHook, asked: Asked = {}): Promise<boolean> =>
  (await ask(hook, asked)).findings.length === 0

test('more than the limit is found, with the time to wait', async () => {
  const hook = made({ max: 2, windowSeconds: 30 })
  assert.deepEqual([await admits(hook), await admits(hook)], [true, true])
  const { findings, retryAfterSeconds } = await ask(hook)
  assert.deepEqual([findings[0]?.type, retryAfterSeconds], ['RATE_LIMIT', 31])
})

const apart: [by: string | string[], other: NonNullable<Asked['facts']>, apart: boolean][] = [
  ['client', { clientIp: '10.0.0.9' }, true],
  ['client', { host: 'other.example' }, false],
  ['host', { host: 'other.example' }, true],
  ['model', { model: 'other' }, true],
  ['provider', { provider: 'other' }, true],
  ['path', { path: '/other' }, true],
  ['principal', { principal: 'ann' }, true],
  ['principal', { clientIp: '10.0.0.9' }, true],
  [['principal', 'model'], { principal: 'ann' }, true],
  [[], { clientIp: '10.0.0.9', principal: 'ann', host: 'other.example', model: 'other' }, false],
]

for (const [by, facts, separate] of apart) {
  test(`by ${JSON.stringify(by)}, ${JSON.stringify(facts)} is counted ${separate ? 'apart' : 'with the rest'}`, async () => {
    const hook = made({ max: 1, by })
    assert.equal(await admits(hook), true)
    assert.equal(await admits(hook, { facts }), separate)
  })
}

test('a principal is counted wherever it comes from, and nobody can be it by an address', async () => {
  const hook = made({ max: 1, by: 'principal' })
  assert.equal(await admits(hook, { facts: { principal: 'ann', clientIp: '10.0.0.1' } }), true)
  assert.equal(await admits(hook, { facts: { principal: 'ann', clientIp: '10.0.0.2' } }), false)
  assert.equal(await admits(hook, { facts: { principal: 'address 127.0.0.1' } }), true)
  assert.equal(await admits(hook), true)
})

test('rules count apart, and one rule counts on when it is made anew', async () => {
  const limiter = memoryLimiter({ now: env.now })
  assert.equal(await admits(made({ max: 1 }, 'one', limiter)), true)
  assert.equal(await admits(made({ max: 1 }, 'two', limiter)), true)
  assert.equal(await admits(made({ max: 1 }, 'one', limiter)), false)
})

test('the messages of a conversation that was admitted are not counted', async () => {
  const hook = made({ max: 1 })
  assert.equal(await admits(hook), true)
  assert.equal(await admits(hook, { continued: true }), true)
})

test('limits that are none are refused', () => {
  for (const options of [{}, { max: 0 }, { max: 1.5 }, { max: 1, windowSeconds: 0 }, { max: 1, by: ['shoe'] }]) {
    assert.equal(rateLimit.options.safeParse(options).success, false)
  }
})

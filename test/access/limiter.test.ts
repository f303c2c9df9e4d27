import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { sharedLimiter } from '../../src/access/limiter.ts'
import { tempFolder } from '../support/temp.ts'

const start = 1_700_000_000_000

function limiters(t: TestContext, dir: string, count: number, now = (): number => start) {
  return Array.from({ length: count }, () => {
    const limiter = sharedLimiter({ dir, now })
    t.after(() => limiter.close())
    return limiter
  })
}

test('what several count in one folder is one count, to the last', async (t) => {
  const some = limiters(t, tempFolder('limits'), 3)
  const limit = { max: 100, windowMs: 60_000 }
  const asked = Array.from({ length: 300 }, (_, i) => some[i % 3]!.take('key', limit))
  const admissions = await Promise.all(asked)
  assert.equal(admissions.filter(({ admitted }) => admitted).length, 100)
})

test('processes share the count, too', async (t) => {
  const dir = tempFolder('limits')
  const script = join(dir, 'child.ts')
  const source = new URL('../../src/access/limiter.ts', import.meta.url).href
  writeFileSync(
    script,
    `import { sharedLimiter } from ${JSON.stringify(source)}
const limiter = sharedLimiter({ dir: ${JSON.stringify(dir)}, now: () => ${start} })
const asked = Array.from({ length: 100 }, () => limiter.take('key', { max: 150, windowMs: 60_000 }))
process.send((await Promise.all(asked)).filter(({ admitted }) => admitted).length)
process.disconnect()
`,
  )
  const children = [1, 2, 3].map(() => fork(script, { execArgv: [] }))
  t.after(() => children.forEach((child) => child.kill()))
  const counts = await Promise.all(children.map(async (child) => ((await once(child, 'message')) as [number])[0]))
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    150,
  )
})

test('a place is free again when the window has passed it, and not before', async (t) => {
  let now = start
  const [limiter] = limiters(t, tempFolder('limits'), 1, () => now)
  const limit = { max: 1, windowMs: 1_000 }
  assert.equal((await limiter!.take('a', limit)).admitted, true)
  const refused = await limiter!.take('a', limit)
  assert.ok(!refused.admitted)
  now += refused.retryAfterMs - 1
  assert.equal((await limiter!.take('a', limit)).admitted, false)
  now += 1
  assert.equal((await limiter!.take('a', limit)).admitted, true)
})

test('counts outlive the one who counted; a higher limit is in force at once', async (t) => {
  const dir = tempFolder('limits')
  const [first, second] = limiters(t, dir, 2)
  const taken = async (limiter: typeof first, max: number) =>
    (await limiter!.take('a', { max, windowMs: 60_000 })).admitted
  assert.equal(await taken(first, 1), true)
  first!.close()
  assert.deepEqual([await taken(second, 1), await taken(second, 2), await taken(second, 2)], [false, true, false])
})

test('what is long past is taken away', async (t) => {
  let now = start
  const dir = tempFolder('limits')
  const [limiter] = limiters(t, dir, 1, () => now)
  const limit = { max: 1, windowMs: 100 }
  for (let round = 0; round < 40; round++) {
    now += 1_000
    await Promise.all(Array.from({ length: 100 }, (_, i) => limiter!.take(`${round} ${i}`, limit)))
  }
  limiter!.close()
  assert.ok(statSync(join(dir, 'limits.db')).size < 200_000)
})

test('where it cannot count it says so, and admits nobody', async (t) => {
  const dir = tempFolder('limits')
  mkdirSync(join(dir, 'limits.db'))
  const [limiter] = limiters(t, dir, 1)
  await assert.rejects(limiter!.take('a', { max: 1, windowMs: 1_000 }), { code: 'hook_failed' })
  limiter!.close()
  await assert.rejects(limiter!.take('a', { max: 1, windowMs: 1_000 }), { code: 'hook_failed' })
})

test('its file is its owner’s alone', async (t) => {
  const dir = tempFolder('limits')
  const [limiter] = limiters(t, dir, 1)
  await limiter!.take('a', { max: 1, windowMs: 1_000 })
  assert.equal(statSync(join(dir, 'limits.db')).mode & 0o777, 0o600)
})

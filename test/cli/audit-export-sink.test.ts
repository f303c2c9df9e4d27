import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { exportsIn, filled, hook, jsonOf, receiver, run } from '../support/exporting.ts'
import { tempFolder } from '../support/temp.ts'

test('a test sends one marked row with the real settings, and says what came back', async (t) => {
  const it = await receiver(t)
  const { cwd } = await filled(hook(it.url))
  const good = await run(cwd, '--test', 'hook')
  assert.match(good.stdout, /^hook: the receiver took the test row/)
  assert.equal(good.status, 0)
  assert.equal(it.got.length, 1)
  assert.match(it.got[0] ?? '', /export\.test/)
  const cases: [number, RegExp][] = [
    [401, /hint: Check the token/],
    [400, /hint: The receiver is there and does not take the row/],
    [503, /hint: The receiver answered so/],
  ]
  for (const [status, hint] of cases) {
    it.status = status
    const bad = await run(cwd, '--test', 'hook')
    assert.match(bad.stderr, hint)
    assert.equal(bad.status, 1)
    assert.doesNotMatch(bad.stderr, /shhh/)
  }
  const none = await run(cwd, '--test', 'nobody')
  assert.match(none.stderr, /error: no sink is called "nobody"\nhint: There are: hook/)
})

test('a test says when nobody is there', async () => {
  const { cwd } = await filled(hook('http://127.0.0.1:1/in'))
  const { status, stderr } = await run(cwd, '--test', 'hook')
  assert.match(stderr, /^error: hook: .*\nhint: Check address and port/)
  assert.equal(status, 1)
})

test('a back-fill sends a span of the past with bodies, and moves no cursor', async (t) => {
  const it = await receiver(t)
  const { cwd, ids } = await filled(hook(it.url))
  const before = await run(cwd, '--status', '--json')
  const done = await run(cwd, '--sink', 'hook', '--since', '1h')
  assert.match(done.stdout, /^hook: \d+ rows sent\n$/)
  for (const id of ids) assert.equal(it.got.filter((line) => line.includes(id)).length, 1)
  assert.ok(it.got.some((line) => line.includes('"prompt')))
  assert.equal((await run(cwd, '--status', '--json')).stdout, before.stdout)
  const [event] = exportsIn(cwd)
  assert.equal(event?.subject, 'hook')
  const none = await run(cwd, '--sink', 'hook', '--since', '2030-01-01')
  assert.match(none.stdout, /^hook: 0 rows sent/)
  assert.equal((await run(cwd, '--sink', 'hook')).status, 2)
})

test('a back-fill makes no ledger where there is none', async (t) => {
  const it = await receiver(t)
  const cwd = tempFolder('no-ledger')
  writeFileSync(join(cwd, 'sallyport.yaml'), `audit:\n  export: [${hook(it.url)}]\n`)
  for (const args of [
    ['--sink', 'hook', '--since', '1h'],
    ['--dead-letters', '--retry'],
  ]) {
    const { status, stderr } = await run(cwd, ...args)
    assert.match(stderr, /^error: there is no ledger at /)
    assert.equal(status, 1)
  }
  assert.equal(existsSync(join(cwd, 'data')), false)
})

test('what a receiver refuses in a back-fill is a dead letter, listed and sent again', async (t) => {
  const it = await receiver(t)
  const { cwd, ids } = await filled(hook(it.url))
  it.status = 400
  const refused = await run(cwd, '--sink', 'hook', '--since', '1h')
  assert.match(refused.stdout, /0 rows sent, \d+ refused/)
  const listed = jsonOf((await run(cwd, '--dead-letters', 'hook', '--json')).stdout)
  for (const id of ids) assert.ok(listed.some(({ row }) => row === id))
  assert.equal((await run(cwd, '--dead-letters', '--retry')).status, 1)
  it.status = 200
  const again = await run(cwd, '--dead-letters', 'hook', '--retry')
  assert.match(again.stdout, new RegExp(`^hook: ${listed.length} delivered, 0 refused again`))
  assert.equal(again.status, 0)
  assert.equal((await run(cwd, '--dead-letters')).stdout, '')
  assert.equal(it.got.length, listed.length)
})

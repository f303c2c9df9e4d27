import assert from 'node:assert/strict'
import { chmodSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { prepare } from '../../src/app/prepare.ts'
import { SallyportError } from '../../src/core/errors.ts'
import { configIn, keptLog } from '../support/app.ts'
import { tempFolder } from '../support/temp.ts'

const { log } = await keptLog()

test('a first start gets all it needs, once, and a second one changes nothing', async () => {
  const dir = tempFolder('app')
  const config = configIn(dir)
  const first = await prepare(config, log)
  const files = readdirSync(dir, { recursive: true }).map(String).sort()
  for (const file of [
    'certs/ca.key',
    'certs/ca.pem',
    'data/keys.hmac',
    'data/placeholder.key',
    'policies/10-default.yaml',
  ])
    assert.ok(files.includes(file), file)
  assert.equal(statSync(config.data.dir).mode & 0o777, 0o700)
  const second = await prepare(config, log)
  assert.deepEqual([first.created, second.created], [true, false])
  assert.equal(second.authority.fingerprint, first.authority.fingerprint)
  assert.deepEqual(readdirSync(dir, { recursive: true }).map(String).sort(), files)
})

test('the new CA may vouch for what the policies inspect, and for nothing else', async () => {
  const { authority } = await prepare(configIn(), log)
  assert.deepEqual([authority.permits('api.openai.com'), authority.permits('bank.example')], [true, false])
})

test('starts at the same moment share one CA', async () => {
  const config = configIn()
  const all = await Promise.all(Array.from({ length: 4 }, () => prepare(config, log)))
  assert.equal(new Set(all.map(({ authority }) => authority.fingerprint)).size, 1)
})

test('a file in the place of the data folder is refused with a hint, before anything else is made', async () => {
  const dir = tempFolder('app')
  const config = configIn(dir)
  writeFileSync(config.data.dir, '')
  await assert.rejects(prepare(config, log), (error) => aboutDataDir(error, config.data.dir))
  assert.deepEqual([existsSync(config.ca.dir), existsSync(config.policies.dir)], [false, false])
})

test('a data folder that may not be made is refused with a hint', { skip: process.getuid?.() === 0 }, async () => {
  const dir = tempFolder('app')
  const config = configIn(dir)
  chmodSync(dir, 0o500)
  await assert.rejects(prepare(config, log), (error) => aboutDataDir(error, config.data.dir))
  chmodSync(dir, 0o700)
})

test('a broken policy stops before a CA is made', async () => {
  const dir = tempFolder('app')
  const config = configIn(dir, { policies: { dir: '.' } })
  writeFileSync(join(dir, 'sallyport.yaml'), 'mod: observe\n')
  await assert.rejects(prepare(config, log), { code: 'policy_invalid' })
  assert.equal(existsSync(config.ca.dir), false)
})

function aboutDataDir(error: unknown, dataDir: string): boolean {
  assert.ok(error instanceof SallyportError)
  assert.equal(error.code, 'config_invalid')
  assert.ok(error.message.startsWith(`data.dir: cannot make ${dataDir}: `), error.message)
  assert.notEqual(error.hint, '')
  return true
}

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { callerOf, planFor } from '../../../src/app/agent/plan.ts'
import type { Wish } from '../../../src/app/agent/plan.ts'
import { tempFolder } from '../../support/temp.ts'

const options = { skip: process.platform !== 'linux' && 'accounts are looked up as Linux does' }

const wish = (change: Partial<Wish> = {}, env: Readonly<Record<string, string>> = {}): Wish => ({
  source: { env, cwd: tempFolder('plan') },
  users: [],
  machine: false,
  except: [],
  as: undefined,
  ...change,
})

test('under sudo it is for who called it, and the doors run as them', options, async () => {
  const { who, as } = await planFor(wish({}, { SUDO_USER: 'daemon' }))
  assert.deepEqual([who.kind === 'users' && who.accounts.map(({ name }) => name), as.name], [['daemon'], 'daemon'])
})

test('what is said goes before who called sudo', options, async () => {
  const { who, as } = await planFor(wish({ users: ['bin', 'sys'], as: 'daemon' }, { SUDO_USER: 'nobody' }))
  assert.deepEqual([who.kind === 'users' && who.accounts.map(({ name }) => name), as.name], [['bin', 'sys'], 'daemon'])
})

test('the whole machine may have exceptions', options, async () => {
  const { who } = await planFor(wish({ machine: true, except: ['bin'], as: 'daemon' }))
  assert.deepEqual(who.kind === 'machine' && who.except.map(({ name }) => name), ['bin'])
})

const unsaid: readonly (readonly [Partial<Wish>, RegExp])[] = [
  [{ as: 'daemon' }, /^nothing says whose traffic is redirected$/],
  [{ machine: true }, /^nothing says whom the doors run as$/],
  [{ machine: true, as: 'no-such-user' }, /^there is no user no-such-user$/],
]
for (const [change, message] of unsaid) {
  test(`${JSON.stringify(change)} is not enough`, options, async () => {
    await assert.rejects(planFor(wish(change)), { code: 'config_invalid', message })
  })
}

test('a configuration that is not valid is told before anything begins', async () => {
  const cwd = tempFolder('invalid')
  writeFileSync(join(cwd, 'sallyport.yaml'), 'proxi: {}\n')
  await assert.rejects(planFor(wish({ source: { env: {}, cwd } })), { code: 'config_invalid' })
})

test('root that became root by sudo is nobody else', () => {
  assert.deepEqual(
    [{}, { SUDO_USER: '' }, { SUDO_USER: 'root' }, { SUDO_USER: 'ada' }].map((env) => callerOf(env)),
    [undefined, undefined, undefined, 'ada'],
  )
})

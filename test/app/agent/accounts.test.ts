import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accountOf, groupNumber, ownGroup, parseAccount } from '../../../src/app/agent/accounts.ts'
import type { Account, Ask } from '../../../src/app/agent/accounts.ts'

const ada: Account = { name: 'ada', uid: 1000, gid: 1001, home: '/home/ada' }

const lines: readonly (readonly [string, Account | undefined])[] = [
  ['ada:x:1000:1001:Ada,,,:/home/ada:/bin/bash\n', ada],
  ['ada:x:1000:1001::/home/ada:', ada],
  ['', undefined],
  [':x:1000:1001::/home/ada:/bin/sh', undefined],
  ['ada:x:-1:1001::/home/ada:/bin/sh', undefined],
  ['ada:x:1000:4294967295::/home/ada:/bin/sh', undefined],
  ['ada:x:1000 }; flush ruleset:1001::/:/bin/sh', undefined],
]
for (const [line, account] of lines) {
  test(`the line ${JSON.stringify(line)} names ${account?.name ?? 'nobody'}`, () =>
    assert.deepEqual(parseAccount(line), account))
}

test('a user is found by name, and one that is not there is told', async () => {
  const ask = system({ 'passwd ada': 'ada:x:1000:1001::/home/ada:/bin/sh\n' })
  assert.deepEqual(await accountOf('ada', ask), ada)
  await assert.rejects(accountOf('eve', ask), { code: 'config_invalid', message: 'there is no user eve' })
})

test('the system knows root', { skip: process.platform !== 'linux' && 'Linux only' }, async () => {
  assert.equal((await accountOf('root')).uid, 0)
})

test('our group is the one called sallyport, else a number that no group has', async () => {
  assert.equal(await ownGroup([ada], system({ 'group sallyport': 'sallyport:x:993:\n' })), 993)
  assert.equal(await ownGroup([ada], system({})), 60_706)
  const taken = { 'group 60706': 'a:x:60706:', 'group 60707': 'b:x:60707:' }
  assert.equal(await ownGroup([ada], system(taken)), 60_708)
})

test('nobody whose traffic is redirected may be in our group', async () => {
  await assert.rejects(ownGroup([ada], system({ 'group sallyport': 'sallyport:x:1001:' })), /ada is in the group 1001/)
  // Whoever is listed may enter it with newgrp.
  const listed = system({ 'group sallyport': 'sallyport:x:993:ben,ada\n' })
  await assert.rejects(ownGroup([ada], listed), /ada is in the group 993/)
  assert.equal(await ownGroup([{ ...ada, name: 'ad' }], listed), 993)
})

test('when every group is taken, it says what to do', async () => {
  const all: Ask = async (_database, key) => (key === 'sallyport' ? undefined : `g:x:${key}:`)
  await assert.rejects(ownGroup([], all), { hint: 'Make a group named sallyport.' })
})

test('a line of a group gives its number', () => {
  assert.deepEqual(
    ['sallyport:x:993:', 'sallyport:x:no:', ''].map((line) => groupNumber(line)),
    [993, undefined, undefined],
  )
})

const system =
  (entries: Readonly<Record<string, string>>): Ask =>
  async (database, key) =>
    entries[`${database} ${key}`]

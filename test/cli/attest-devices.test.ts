import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { newDeviceKey, publicKeyText } from '../../src/attest/keys.ts'
import { attestIn } from '../support/attest.ts'
import { tempFolder } from '../support/temp.ts'

type Device = Record<string, unknown> & { id: string; expires: string }

const newKey = (): string => publicKeyText(newDeviceKey().publicKey)

function room() {
  const cwd = tempFolder('devices')
  const attest = attestIn(cwd)
  return {
    cwd,
    attest,
    enroll: (id: string, ...args: string[]) =>
      attest('enroll', '--device', id, ...(args.includes('--code') ? [] : ['--public-key', newKey()]), ...args),
    list: async (): Promise<Device[]> => {
      const { stdout } = await attest('list', '--json')
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Device)
    },
  }
}

test('every option is kept', async () => {
  const { attest, list } = room()
  const key = newKey()
  const wished = ['--owner', 'ann', '--policies', 'aa, bb', '--not-before', '2098-01-01', '--expires', '2099-01-31']
  const { status, stdout } = await attest('enroll', '--device', 'laptop-7', '--public-key', key, '--json', ...wished)
  assert.equal(status, 0)
  const { created: _created, ...kept } = JSON.parse(stdout) as Device
  assert.deepEqual(kept, {
    id: 'laptop-7',
    owner: 'ann',
    state: 'pending',
    publicKey: key,
    policies: ['aa', 'bb'],
    notBefore: '2098-01-01T00:00:00.000Z',
    expires: '2099-01-31T00:00:00.000Z',
    revoked: null,
    overlap: null,
    lastSeen: null,
  })
  assert.deepEqual(await list(), [JSON.parse(stdout)])
})

test('a device expires after 90 days unless something else is said', async () => {
  const { enroll, list } = room()
  const before = Date.now()
  await enroll('a')
  const [device] = await list()
  const days = (Date.parse(device?.expires ?? '') - before) / 86_400_000
  assert.ok(days >= 90 && days < 90.1, String(days))
})

test('devices are listed in a table by their ids', async () => {
  const { attest, enroll } = room()
  await enroll('b', '--owner', 'ann')
  await enroll('a')
  const { stdout } = await attest('list')
  assert.match(stdout, /^device +owner +state .*\na +- +active .*\nb +ann +active .*\n$/)
})

const wrong: [args: string[], said: RegExp][] = [
  [['--device', 'a'], /either --public-key or --code/],
  [['--device', 'a', '--code', '--public-key', newKey()], /either --public-key or --code/],
  [['--device', 'a', '--public-key', newKey(), '--code-valid', '1h'], /--code-valid/],
  [['--device', 'a/b', '--public-key', newKey()], /--device must be 1 to 64/],
  [['--device', '', '--public-key', newKey()], /--device must be/],
  [['--device', 'a', '--public-key', newKey(), '--owner', ''], /--owner must not be empty/],
  [['--device', 'a', '--public-key', newKey(), '--expires', 'never'], /--expires "never" is no time/],
  [['--device', 'a', '--public-key', newKey(), '--expires', '2020-01-01'], /--expires "2020-01-01" is past/],
  [['--device', 'a', '--public-key', newKey(), '--not-before', '100d'], /--expires must be after --not-before/],
  [['--device', 'a', '--public-key', newKey(), '--policies', 'aa,,bb'], /--policies must be digests/],
  [['--device', 'a', '--code', '--not-before', '1d'], /--not-before does not go with --code/],
  [['--device', 'a', '--code', '--code-valid', '2d', '--expires', '1d'], /--expires must be after the end of the code/],
  [['--device', 'a', '--code', '--code-valid', 'long'], /--code-valid "long" is no time/],
]

for (const [args, said] of wrong) {
  test(`enroll ${args.join(' ')} is wrong usage and makes nothing`, async () => {
    const { cwd, attest } = room()
    const { status, stdout, stderr } = await attest('enroll', ...args)
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(stderr, said)
    assert.equal(existsSync(join(cwd, 'data')), false)
  })
}

test('an id or a key that is taken is told', async () => {
  const { attest, enroll } = room()
  const key = newKey()
  await attest('enroll', '--device', 'a', '--public-key', key)
  assert.match((await enroll('a')).stderr, /^error: a device of this id is enrolled\nhint: .*rotate/m)
  assert.match((await enroll('a', '--code')).stderr, /^error: a device of this id is enrolled$/m)
  const again = await attest('enroll', '--device', 'b', '--public-key', key)
  assert.deepEqual([again.status, again.stdout], [1, ''])
  assert.match(again.stderr, /^error: the key is, or was, in use\nhint: /m)
})

test('a code is printed once, and no file has it', async () => {
  const { cwd, enroll } = room()
  const lines = (await enroll('laptop-7', '--code')).stdout
  assert.match(lines, /^device {2}laptop-7\ncode {4}laptop-7\.[\w-]{43}\nuntil {3}20\S+Z\nThe code is not shown again/)
  const { device, code, until } = JSON.parse((await enroll('laptop-8', '--code', '--json')).stdout) as Device
  assert.equal(device, 'laptop-8')
  const hours = (Date.parse(String(until)) - Date.now()) / 3_600_000
  assert.ok(hours > 23.9 && hours <= 24, String(hours))
  const secret = String(code).slice(9)
  for (const name of readdirSync(join(cwd, 'data'))) {
    const path = join(cwd, 'data', name)
    assert.equal(statSync(path).mode & 0o777, 0o600, name)
    const content = readFileSync(path)
    assert.ok(!content.includes(secret) && !content.includes(Buffer.from(secret, 'base64url')), name)
  }
})

test('a device that is enrolled is given a code with rotate, others are not', async () => {
  const { attest, enroll } = room()
  assert.match((await attest('rotate', 'a', '--code')).stderr, /^error: no device has this id\n/)
  await enroll('a')
  assert.match((await attest('rotate', 'a', '--code')).stdout, /^device {2}a\ncode {4}a\./)
  assert.match((await attest('rotate', 'a', '--code', '--overlap', '1h')).stderr, /--overlap does not go with --code/)
  await attest('revoke', 'a')
  assert.match((await attest('rotate', 'a', '--code')).stderr, /^error: the device is revoked\nhint: enrol it anew/)
})

test('rotate keeps all but the key, and the end where another is wished', async () => {
  const { attest, enroll, list } = room()
  await enroll('a', '--owner', 'ann', '--expires', '2099-01-31')
  const [before] = await list()
  const key = newKey()
  await attest('rotate', 'a', '--public-key', key, '--overlap', '24h')
  const [rotated] = await list()
  assert.match(String(rotated?.overlap), /^20/)
  assert.deepEqual({ ...rotated, overlap: null }, { ...before, publicKey: key })
  await attest('rotate', 'a', '--public-key', newKey(), '--expires', '2100-01-31')
  const [last] = await list()
  assert.deepEqual([last?.expires, last?.overlap], ['2100-01-31T00:00:00.000Z', null])
})

test('revoke says what it did, also where there is only a code', async () => {
  const { attest, enroll } = room()
  await enroll('a')
  await enroll('b', '--code')
  const { id, state, revoked } = JSON.parse((await attest('revoke', 'a', '--json')).stdout) as Device
  assert.deepEqual([id, state], ['a', 'revoked'])
  assert.match(String(revoked), /^20/)
  assert.equal((await attest('revoke', 'b')).stdout, 'the code for b has ended\n')
})

for (const command of [['revoke'], ['rotate', '--public-key', newKey()]]) {
  test(`${command[0]} of no device fails`, async () => {
    const { attest } = room()
    const { status, stdout, stderr } = await attest(...command, 'nobody')
    assert.deepEqual([status, stdout], [1, ''])
    assert.equal(stderr, 'error: no device has this id\nhint: `sallyport attest list` lists ids\n')
  })
}

test('list makes nothing where nothing is', async () => {
  const { cwd, attest } = room()
  assert.deepEqual(await attest('list', '--json'), { status: 0, stdout: '', stderr: '' })
  assert.equal(existsSync(join(cwd, 'data')), false)
})

test('enroll says when nothing is accepted yet', async () => {
  const { cwd, enroll } = room()
  assert.match((await enroll('a')).stderr, /^note: attestation\.audience is not set/)
  writeFileSync(join(cwd, 'sallyport.yaml'), 'attestation: { audience: egress-1 }\n')
  assert.equal((await enroll('b')).stderr, '')
})

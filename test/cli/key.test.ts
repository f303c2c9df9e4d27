import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { commandLine, type Printed } from '../support/command-line.ts'
import { tempFolder } from '../support/temp.ts'

const key = (cwd: string, ...args: string[]): Promise<Printed> => commandLine(['key', ...args], { cwd })

type Made = { id: string; name: string; key: string }

async function made(cwd: string, ...args: string[]): Promise<Made> {
  const { status, stdout } = await key(cwd, 'create', '--json', ...args)
  assert.equal(status, 0)
  return JSON.parse(stdout) as Made
}

test('create prints the key once, as lines or as JSON; list never does', async () => {
  const cwd = tempFolder('key')
  const shown = await key(cwd, 'create', '--name', 'ci')
  assert.match(shown.stdout, /^id {4}[0-9a-f-]{36}\nname {2}ci\nkey {3}sp-[\w-]{43}\nThe key is not shown again\.\n$/)
  const { id, name, key: secret, ...rest } = await made(cwd, '--name', 'laptop')
  assert.deepEqual([name, rest], ['laptop', {}])
  assert.match(secret, /^sp-[\w-]{43}$/)
  const lines = (await key(cwd, 'list', '--json')).stdout
  assert.ok(lines.includes(id))
  for (const printed of [lines, (await key(cwd, 'list')).stdout]) assert.doesNotMatch(printed, /sp-|hmac/)
})

test('every option is kept', async () => {
  const cwd = tempFolder('key')
  const numbers = 'rpm rph rpd tpm tpd usd-day usd-month parallel max-input-tokens max-output-tokens'.split(' ')
  const limits = numbers.flatMap((flag, i) => [`--${flag}`, String(i + 1)])
  const others = [
    '--owner',
    'platform',
    '--models',
    'gpt-*, o3',
    '--allow',
    '10.0.0.0/8,::1',
    '--system-prompt',
    'Be brief.',
  ]
  await made(cwd, '--name', 'ci', '--expires', '2099-01-31', ...others, ...limits)
  const {
    id: _,
    created: __,
    ...kept
  } = JSON.parse((await key(cwd, 'list', '--json')).stdout) as Record<string, unknown>
  assert.deepEqual(kept, {
    name: 'ci',
    owner: 'platform',
    state: 'active',
    expires: '2099-01-31T00:00:00.000Z',
    revoked: null,
    models: ['gpt-*', 'o3'],
    limits: {
      rpm: 1,
      rph: 2,
      rpd: 3,
      tpm: 4,
      tpd: 5,
      usdDay: 6,
      usdMonth: 7,
      parallel: 8,
      maxInputTokens: 9,
      maxOutputTokens: 10,
    },
    allow: ['10.0.0.0/8', '::1'],
    systemPrompt: 'Be brief.',
    overlap: null,
    lastUsed: null,
  })
})

test('what is kept and not yet in force is said', async () => {
  const cwd = tempFolder('key')
  assert.match((await key(cwd, 'create', '--name', 'a', '--rpm', '5')).stderr, /^note: .*not yet in force\n$/)
  assert.equal((await key(cwd, 'create', '--name', 'b', '--expires', '1d', '--allow', '::1')).stderr, '')
})

const wrong: [args: string[], said: RegExp][] = [
  [[], /--name/],
  [['--name', 'a:b'], /--name must have no colon/],
  [['--name', ''], /--name must not be empty/],
  [['--name', 'a', '--rpm', '0'], /--rpm must be at least 1/],
  [['--name', 'a', '--rpm', '1.5'], /--rpm must be a whole number/],
  [['--name', 'a', '--max-input-tokens', 'ten'], /--max-input-tokens /],
  [['--name', 'a', '--usd-day', '1e3'], /--usd-day /],
  [['--name', 'a', '--allow', '10.0.0.0/40'], /--allow must be networks/],
  [['--name', 'a', '--models', 'a,,b'], /--models /],
  [['--name', 'a', '--expires', 'soon'], /--expires "soon" is no time/],
  [['--name', 'a', '--expires', '2020-01-01'], /--expires "2020-01-01" is past/],
  [['--name', 'a', '--expires', '0d'], /is past/],
]

for (const [args, said] of wrong) {
  test(`key create ${args.join(' ')} is wrong usage and makes nothing`, async () => {
    const cwd = tempFolder('key')
    const { status, stdout, stderr } = await key(cwd, 'create', ...args)
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(stderr, said)
    assert.equal((await key(cwd, 'list')).stdout, '')
  })
}

test('a name is taken until its key has ended', async () => {
  const cwd = tempFolder('key')
  const { id } = await made(cwd, '--name', 'ci')
  const again = await key(cwd, 'create', '--name', 'ci')
  assert.deepEqual([again.status, again.stdout], [1, ''])
  assert.match(again.stderr, /^error: an active key has this name\nhint: /)
  assert.equal((await key(cwd, 'revoke', id.slice(0, 8))).stdout, `${id} ci is revoked\n`)
  const revoked = JSON.parse((await key(cwd, 'revoke', id, '--json')).stdout) as Record<string, unknown>
  assert.deepEqual([revoked['id'], revoked['state']], [id, 'revoked'])
  await made(cwd, '--name', 'ci')
  assert.equal((await key(cwd, 'rotate', id)).stderr, 'error: the key is revoked\nhint: create a new one\n')
})

test('rotate prints a new secret for the same id, and says how long the old one is good', async () => {
  const cwd = tempFolder('key')
  const first = await made(cwd, '--name', 'ci')
  const second = JSON.parse((await key(cwd, 'rotate', first.id, '--json', '--overlap', '24h')).stdout) as Made
  assert.deepEqual([second.id, second.name], [first.id, 'ci'])
  assert.notEqual(second.key, first.key)
  assert.match((await key(cwd, 'list', '--json')).stdout, /"overlap":"\d{4}-/)
  assert.equal((await key(cwd, 'rotate', first.id, '--overlap', 'long')).status, 2)
})

for (const command of ['revoke', 'rotate']) {
  test(`${command} of no key fails`, async () => {
    const { status, stdout, stderr } = await key(tempFolder('key'), command, '01a1fa7e')
    assert.deepEqual([status, stdout], [1, ''])
    assert.equal(stderr, 'error: no key has this id\nhint: `sallyport key list` lists ids\n')
  })
}

test('list makes nothing where nothing is', async () => {
  const cwd = tempFolder('key')
  assert.deepEqual(await key(cwd, 'list', '--json'), { status: 0, stdout: '', stderr: '' })
  assert.equal(existsSync(join(cwd, 'data')), false)
})

test('no file has the secret, and all are private', async () => {
  const cwd = tempFolder('key')
  const { key: secret } = await made(cwd, '--name', 'ci')
  for (const name of readdirSync(join(cwd, 'data'))) {
    const path = join(cwd, 'data', name)
    assert.equal(statSync(path).mode & 0o777, 0o600, name)
    assert.ok(!readFileSync(path).includes(secret.slice(3)), name)
  }
  assert.equal(readFileSync(join(cwd, 'data', 'keys.hmac')).length, 32)
})

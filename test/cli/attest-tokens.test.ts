import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseToken } from '../../src/attest/token.ts'
import { attestIn, keyIn } from '../support/attest.ts'
import { commandLine } from '../support/command-line.ts'
import { tempFolder } from '../support/temp.ts'

const target = ['--audience', 'egress-1', '--authority', 'api.openai.com:443']
const signer = ['--key', 'device.pem', '--device', 'laptop-7', '--policy', 'p']

async function enrolled() {
  const cwd = tempFolder('tokens')
  const attest = attestIn(cwd)
  const key = await keyIn(cwd)
  await attest('enroll', '--device', 'laptop-7', '--public-key', key)
  return {
    cwd,
    attest,
    token: async (...args: string[]) => (await attest('sign', ...signer, ...target, ...args)).stdout,
  }
}

test('sign prints a token and nothing else', async () => {
  const cwd = tempFolder('tokens')
  await keyIn(cwd)
  const before = Math.floor(Date.now() / 1_000)
  const { status, stdout, stderr } = await attestIn(cwd)('sign', ...signer, ...target, '--ttl', '7')
  assert.deepEqual([status, stderr], [0, ''])
  assert.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]{86}\n$/)
  const { iss, aud, iat, exp, jti, authority, policy, ver } = parseToken(stdout.trim())?.claims ?? {}
  assert.deepEqual(
    { iss, aud, authority, policy },
    { iss: 'laptop-7', aud: 'egress-1', authority: 'api.openai.com:443', policy: 'p' },
  )
  assert.match(String(ver), /^\d+\.\d+\.\d+/)
  assert.match(String(jti), /^[\w-]{22}$/)
  assert.ok(Number(iat) >= before && Number(exp) - Number(iat) === 7)
  assert.equal(existsSync(join(cwd, 'data')), false)
})

test('without --policy it is the digest of the policies in the folder, or of the default one', async () => {
  const cwd = tempFolder('tokens')
  await keyIn(cwd)
  const digest = async (): Promise<string | undefined> => {
    const { stdout } = await attestIn(cwd)('sign', ...signer.slice(0, 4), ...target)
    return parseToken(stdout.trim())?.claims.policy
  }
  const first = await digest()
  assert.match(String(first), /^[0-9a-f]{64}$/)
  assert.equal(await digest(), first)
  mkdirSync(join(cwd, 'policies'))
  writeFileSync(join(cwd, 'policies', '10.yaml'), 'mode: observe\n')
  const own = await digest()
  assert.notEqual(own, first)
  assert.ok((await commandLine(['policy', 'check'], { cwd })).stdout.includes(`digest ${own}`))
})

const wrong: [what: string, args: string[], said: RegExp][] = [
  ['a life of nothing', ['--ttl', '0'], /--ttl must be 1 to 120/],
  ['a life that is too long', ['--ttl', '121'], /--ttl must be 1 to 120/],
  ['a life that is no number', ['--ttl', '1m'], /not a whole number/],
  ['a target without a port', ['--authority', 'api.openai.com'], /is no HOST:PORT/],
  ['a target that is a URL', ['--authority', 'https://api.openai.com:443'], /is no HOST:PORT/],
  ['a port that is none', ['--authority', 'a:65536'], /is no HOST:PORT/],
  ['a device that is none', ['--device', 'a/b'], /is no id of a device/],
]

for (const [what, args, said] of wrong) {
  test(`${what} is wrong usage`, async () => {
    const cwd = tempFolder('tokens')
    await keyIn(cwd)
    const { status, stdout, stderr } = await attestIn(cwd)('sign', ...signer, ...target, ...args)
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(stderr, said)
  })
}

const unfitKeys: [what: string, content: string | undefined][] = [
  ['no file', undefined],
  ['no key', 'hello'],
  [
    'a public key',
    '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n',
  ],
]

for (const [what, content] of unfitKeys) {
  test(`${what} signs nothing`, async () => {
    const cwd = tempFolder('tokens')
    if (content !== undefined) writeFileSync(join(cwd, 'device.pem'), content)
    const { status, stdout, stderr } = await attestIn(cwd)('sign', ...signer, ...target)
    assert.deepEqual([status, stdout], [1, ''])
    assert.match(stderr, /^error: /)
  })
}

test('verify says valid as often as it is asked, and what else is the matter', async () => {
  const { attest, token } = await enrolled()
  const good = (await token()).trim()
  for (let i = 0; i < 2; i++) {
    const { status, stdout } = await attest('verify', good, ...target)
    assert.equal(status, 0)
    assert.match(stdout, /^outcome {2}valid\ndevice {3}laptop-7\njti {6}[\w-]{22}\npolicy {3}p\nversion {2}\d/)
  }
  const cases: [token: string, args: string[], outcome: string][] = [
    [good, ['--audience', 'egress-2', '--authority', 'api.openai.com:443'], 'wrong_audience'],
    [good, ['--audience', 'egress-1', '--authority', 'api.openai.com:8443'], 'wrong_authority'],
    ['junk', target, 'malformed'],
    [good.slice(0, -1), target, 'malformed'],
    [`${good.slice(0, good.lastIndexOf('.') + 1)}${(await token()).trim().split('.')[2]}`, target, 'bad_signature'],
  ]
  for (const [text, args, outcome] of cases) {
    const { status, stdout } = await attest('verify', text, '--json', ...args)
    assert.deepEqual([status, (JSON.parse(stdout) as { outcome: string }).outcome], [1, outcome])
  }
})

test('a token may come from standard input', async () => {
  const { cwd, token } = await enrolled()
  const { status } = await commandLine(['attest', 'verify', '-', ...target], { cwd, stdin: await token() })
  assert.equal(status, 0)
})

test('the settings of attestation count', async () => {
  const { cwd, attest, token } = await enrolled()
  const good = (await token()).trim()
  for (const [settings, outcome] of [
    ['{ policies: [other] }', 'policy_not_accepted'],
    ['{ minVersion: "999" }', 'policy_not_accepted'],
    ['{ policies: [p], reinspect: 1 }', 'valid'],
  ] as const) {
    writeFileSync(join(cwd, 'sallyport.yaml'), `attestation: ${settings}\n`)
    const { stdout } = await attest('verify', good, '--json', ...target)
    assert.equal((JSON.parse(stdout) as { outcome: string }).outcome, outcome, settings)
  }
})

test('the nexus form is verified too, with a word where the proxy ignores it', async () => {
  const { cwd, attest } = await enrolled()
  const text = `v1;ts=${Math.floor(Date.now() / 1_000)};nonce=${'0'.repeat(32)};hash=sha256:${'0'.repeat(64)};agent_id=laptop-7;sig=${'A'.repeat(86)}`
  const off = await attest('verify', text, '--json', ...target)
  assert.deepEqual([off.status, (JSON.parse(off.stdout) as { outcome: string }).outcome], [1, 'bad_signature'])
  assert.match(off.stderr, /^note: attestation\.nexus is off/)
  writeFileSync(join(cwd, 'sallyport.yaml'), 'attestation: { nexus: true }\n')
  assert.equal((await attest('verify', text, ...target)).stderr, '')
})

test('where there is no ledger no device is known; a damaged one is an error', async () => {
  const { cwd, attest, token } = await enrolled()
  const good = (await token()).trim()
  const elsewhere = await attestIn(tempFolder('tokens'))('verify', good, ...target)
  assert.match(elsewhere.stdout, /^outcome {2}unknown_device\n/)
  writeFileSync(join(cwd, 'data', 'sallyport.db'), 'nothing that could be read as a database '.repeat(200))
  const { status, stdout, stderr } = await attest('verify', good, ...target)
  assert.deepEqual([status, stdout], [1, ''])
  assert.match(stderr, /^error: the ledger /)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attestIn, keyIn } from '../support/attest.ts'
import { tempFolder } from '../support/temp.ts'

test('a device is enrolled, attests, is renewed and revoked', async () => {
  const cwd = tempFolder('attest')
  const attest = attestIn(cwd)
  const target = ['--audience', 'egress-1', '--authority', 'api.openai.com:443']
  const outcomeOf = async (file: string): Promise<string> => {
    const { stdout } = await attest('sign', '--key', file, '--device', 'laptop-7', '--policy', 'p', ...target)
    const { outcome } = JSON.parse((await attest('verify', stdout.trim(), '--json', ...target)).stdout) as {
      outcome: string
    }
    return outcome
  }
  const key = await keyIn(cwd, 'one.pem')
  assert.equal(await outcomeOf('one.pem'), 'unknown_device')
  assert.equal((await attest('enroll', '--device', 'laptop-7', '--public-key', key)).status, 0)
  assert.equal(await outcomeOf('one.pem'), 'valid')
  const next = await keyIn(cwd, 'two.pem')
  assert.equal(await outcomeOf('two.pem'), 'bad_signature')
  assert.equal((await attest('rotate', 'laptop-7', '--public-key', next, '--overlap', '1h')).status, 0)
  assert.deepEqual([await outcomeOf('one.pem'), await outcomeOf('two.pem')], ['valid', 'valid'])
  const last = await keyIn(cwd, 'three.pem')
  assert.equal((await attest('rotate', 'laptop-7', '--public-key', last)).status, 0)
  assert.deepEqual([await outcomeOf('two.pem'), await outcomeOf('three.pem')], ['bad_signature', 'valid'])
  assert.equal((await attest('revoke', 'laptop-7')).stdout, 'laptop-7 is revoked\n')
  assert.equal(await outcomeOf('three.pem'), 'revoked')
})

test('what is missing is named', async () => {
  const attest = attestIn(tempFolder('attest'))
  for (const [command, flag] of [
    ['keygen', '--out'],
    ['enroll', '--device'],
    ['redeem', '--console'],
    ['sign', '--audience'],
    ['verify', '--audience'],
    ['revoke', 'id'],
  ] as const) {
    const { status, stderr } = await attest(command)
    assert.equal(status, 2)
    assert.ok(stderr.includes(flag), `${command}: ${stderr}`)
  }
})

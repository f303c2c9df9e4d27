import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { keyAuthenticator, type Authentication } from '../../src/access/authenticate.ts'
import { newSecret, secretHash } from '../../src/access/secret.ts'
import { SallyportError } from '../../src/core/errors.ts'
import { keyRoom } from '../support/keys.ts'
import { tempFolder } from '../support/temp.ts'

function gate() {
  const room = keyRoom()
  const { authenticate, close } = keyAuthenticator({ dir: room.dir, hash: room.hash, now: () => room.clock.now })
  const ask = (secret: string, name?: string, clientIp = '10.1.2.3'): string =>
    said(authenticate({ secret, clientIp, ...(name === undefined ? {} : { name }) }))
  return { ...room, authenticate, ask, close }
}

const said = (outcome: Authentication): string => (outcome.kind === 'known' ? outcome.key.name : outcome.because)

test('a secret tells its key, with its name or without', () => {
  const { ask, make } = gate()
  const [ci, laptop] = [make({ name: 'ci' }), make({ name: 'Zo\u00EB' })]
  assert.equal(ask(ci.secret), 'ci')
  assert.equal(ask(ci.secret, 'ci'), 'ci')
  assert.equal(ask(laptop.secret, 'Zoe\u0308'), 'Zo\u00EB')
  assert.equal(ask(ci.secret, 'Zo\u00EB'), 'name')
  assert.equal(ask(ci.secret, ''), 'name')
})

test('what is no secret of a key is unknown, one character off or under another key file', () => {
  const { ask, make, dir, clock } = gate()
  const { secret } = make({ name: 'ci' })
  for (const wrong of ['', 'x', newSecret(), `${secret} `, secret.slice(0, -1), secret.toLowerCase()])
    assert.equal(ask(wrong, 'ci'), 'unknown')
  for (let i = 3; i < secret.length; i += 1) {
    const other = secret[i] === 'A' ? 'B' : 'A'
    assert.equal(ask(secret.slice(0, i) + other + secret.slice(i + 1)), 'unknown')
  }
  const foreign = keyAuthenticator({ dir, hash: secretHash(Buffer.alloc(32, 10)), now: () => clock.now })
  assert.equal(said(foreign.authenticate({ secret, clientIp: '10.1.2.3' })), 'unknown')
  foreign.close()
})

test('a revoked key is refused within a second, whoever revoked it', () => {
  const { ask, make, keys, clock } = gate()
  const { id, secret } = make({ name: 'ci' })
  assert.equal(ask(secret), 'ci')
  keys.revoke(id)
  clock.now += 1_000
  assert.equal(ask(secret), 'revoked')
})

test('a clock that is set back does not make an old answer young', () => {
  const { ask, make, keys, clock } = gate()
  const { id, secret } = make({ name: 'ci' })
  assert.equal(ask(secret), 'ci')
  keys.revoke(id)
  clock.now -= 3_600_000
  assert.equal(ask(secret), 'revoked')
})

test('a key expires on time, also when it was read before', () => {
  const { ask, make, clock } = gate()
  const { secret } = make({ name: 'ci', expires: new Date(clock.now + 500).toISOString() })
  clock.now += 499
  assert.equal(ask(secret), 'ci')
  clock.now += 1
  assert.equal(ask(secret), 'expired')
  clock.now += 10_000
  assert.equal(ask(secret), 'expired')
})

test('a key is used only from addresses it allows', () => {
  const { ask, make } = gate()
  const { secret } = make({ name: 'ci', allow: ['10.0.0.0/8', '2001:db8::/32'] })
  for (const address of ['10.9.9.9', '::ffff:10.9.9.9', '2001:db8::5']) assert.equal(ask(secret, 'ci', address), 'ci')
  for (const address of ['11.0.0.1', '::1', '']) assert.equal(ask(secret, 'ci', address), 'address')
})

test('a rotated secret ends at once, or with its overlap; the one before it in any case', () => {
  const { make, keys, clock, ask } = gate()
  const { id, secret: first } = make({ name: 'ci' })
  const rotate = (overlap: number): string => {
    const outcome = keys.rotate(id, overlap)
    clock.now += 1_000
    return outcome.kind === 'made' ? outcome.secret : ''
  }
  const second = rotate(0)
  assert.deepEqual([ask(first), ask(second)], ['unknown', 'ci'])
  const third = rotate(60_000)
  assert.deepEqual([ask(second), ask(third)], ['ci', 'ci'])
  const fourth = rotate(60_000)
  assert.deepEqual([ask(second), ask(third), ask(fourth)], ['unknown', 'ci', 'ci'])
  clock.now += 59_000
  assert.deepEqual([ask(third), ask(fourth)], ['expired', 'ci'])
  keys.revoke(id)
  clock.now += 1_000
  assert.deepEqual([ask(third), ask(fourth)], ['unknown', 'revoked'])
})

test('the use of a key is written down when the gate closes', () => {
  const { ask, make, keys, close, clock } = gate()
  const { secret } = make({ name: 'ci' })
  make({ name: 'idle' })
  ask(secret, 'other')
  clock.now += 5
  ask(secret, 'ci')
  close()
  assert.deepEqual(
    keys.list().map(({ lastUsed }) => lastUsed),
    [new Date(clock.now).toISOString(), null],
  )
})

test('when the keys cannot be read nobody is known', () => {
  const { authenticate, make, keys, dir } = gate()
  const { secret } = make({ name: 'ci' })
  keys.close()
  rmSync(dir, { recursive: true })
  assert.throws(
    () => authenticate({ secret, clientIp: '10.1.2.3' }),
    (thrown) => thrown instanceof SallyportError && thrown.code === 'ledger_unavailable',
  )
  const nowhere = keyAuthenticator({ dir: tempFolder(), hash: secretHash(Buffer.alloc(32)), now: Date.now })
  assert.throws(() => nowhere.authenticate({ secret, clientIp: '' }), SallyportError)
})

import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { openAttestation } from '../../src/app/attestation.ts'
import type { Config } from '../../src/config/schema.ts'
import { openStore } from '../../src/store/open.ts'
import { configIn, keptLog } from '../support/app.ts'
import { attesting, enrol, revoke } from '../support/attesting.ts'
import { tempFolder } from '../support/temp.ts'

const handling = { action: 'inspect', reason: '', onRejectedLeaf: 'refuse' } as const

async function opened(says: object) {
  const dir = tempFolder('attestation')
  let config: Config = configIn(dir, { attestation: says })
  openStore({ dir: config.data.dir, durability: 'relaxed' }).close()
  const { log, text } = await keptLog()
  const attestation = openAttestation({ dir: config.data.dir, config: () => config, log })
  const ask = (header: string, target = 'api.test:443') => {
    const terms = attestation.terms(handling)
    assert.ok(terms)
    const headers = ['sallyport-attestation', header]
    return attestation.verifier
      .connect({ headers, clientIp: '10.0.0.1', terms, authority: target })
      .then(({ outcome }) => outcome)
  }
  return {
    data: config.data.dir,
    attestation,
    ask,
    text,
    become: (next: object) => (config = configIn(dir, { attestation: next })),
    [Symbol.dispose]: () => attestation.close(),
  }
}

const accepting = { accept: true, audience: 'egress-1' }

test('devices of the data folder count, each token once, and what an operator changes holds at once', async () => {
  using room = await opened(accepting)
  const device = attesting('laptop-1')
  assert.equal(await room.ask(device.token('api.test:443')), 'unknown_device')
  enrol(room.data, device)
  const token = device.token('api.test:443')
  assert.deepEqual([await room.ask(token), await room.ask(token)], ['valid', 'replayed'])
  revoke(room.data, device)
  assert.equal(await room.ask(device.token('api.test:443')), 'revoked')
})

test('two that share a data folder share the record of used tokens', async () => {
  using one = await opened(accepting)
  const device = attesting('laptop-1')
  enrol(one.data, device)
  const { log } = await keptLog()
  const config = configIn(undefined, { attestation: accepting })
  const other = openAttestation({ dir: one.data, config: () => config, log })
  const token = device.token('api.test:443')
  assert.equal(await one.ask(token), 'valid')
  const terms = other.terms(handling)
  assert.ok(terms)
  const asked = { headers: ['sallyport-attestation', token], clientIp: '::1', terms, authority: 'api.test:443' }
  assert.equal((await other.verifier.connect(asked)).outcome, 'replayed')
  other.close()
})

test('terms follow the configuration, and what was used is known over that', async () => {
  using room = await opened(accepting)
  const device = attesting('laptop-1')
  enrol(room.data, device)
  const token = device.token('api.test:443')
  assert.equal(await room.ask(token), 'valid')
  assert.equal(room.attestation.inside(), false)
  room.become({ ...accepting, nexus: true, reinspect: 1 })
  assert.equal(room.attestation.inside(), true)
  assert.equal(await room.ask(token), 'replayed')
  assert.equal(await room.ask(device.token('api.test:443')), 'reinspected')
  room.become({ accept: false })
  assert.equal(room.attestation.terms(handling), undefined)
})

test('an entry that accepts them where the proxy has no name is told in the log, not with every connection', async () => {
  using room = await opened({})
  for (let i = 0; i < 3; i += 1)
    assert.equal(room.attestation.terms({ ...handling, attestation: { accept: true } }), undefined)
  assert.equal(room.text().match(/attestation\.audience is not set/g)?.length, 1)
})

test('about half are inspected again where the share is a half', async () => {
  using room = await opened({ ...accepting, reinspect: 0.5 })
  const device = attesting('laptop-1')
  enrol(room.data, device)
  const outcomes = await Promise.all(Array.from({ length: 200 }, () => room.ask(device.token('api.test:443'))))
  const again = outcomes.filter((outcome) => outcome === 'reinspected').length
  // Fewer than 50 or more than 150 of 200 come once in 10^12 times.
  assert.ok(again > 50 && again < 150, String(again))
  assert.equal(outcomes.filter((outcome) => outcome === 'valid').length, 200 - again)
})

test('where the proxy has no name nothing is opened', async () => {
  using room = await opened({})
  assert.deepEqual(
    readdirSync(room.data).filter((name) => name.startsWith('replay')),
    [],
  )
})

test('without a database nothing is proved, and the log says why', async () => {
  const config = configIn(tempFolder('nowhere'), { attestation: accepting })
  const { log, text } = await keptLog()
  const attestation = openAttestation({ dir: config.data.dir, config: () => config, log })
  const terms = attestation.terms(handling)
  assert.ok(terms)
  const headers = ['sallyport-attestation', attesting('laptop-1').token('api.test:443')]
  const verdict = await attestation.verifier.connect({ headers, clientIp: '::1', terms, authority: 'api.test:443' })
  assert.equal(verdict.outcome, 'unavailable')
  assert.match(text(), /attestations cannot be verified/)
  attestation.close()
  assert.equal(existsSync(`${config.data.dir}/sallyport.db`), false)
})

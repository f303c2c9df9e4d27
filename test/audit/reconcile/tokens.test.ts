import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tokensOf, untold } from '../../../src/audit/reconcile/tokens.ts'
import { writtenLedger } from '../../support/written-ledger.ts'

const signed = { outcome: 'signed', device: 'laptop-7', jti: 'a'.repeat(22), policy: 'p1', audience: 'egress-1' }

test('rows tell of tokens that were sent, that came, and of both at once', () => {
  const ledger = writtenLedger()
  const verdict = { outcome: 'valid', form: 'jws', device: 'far-1', jti: 'b'.repeat(22), policy: 'p2', version: '1.0' }
  ledger.exchanges({ attestation: JSON.stringify(signed) }, { attestation: null })
  ledger.connections({ attestation: JSON.stringify({ ...verdict, signed }), port: 443 })
  const told = [...tokensOf(ledger.db)].map(({ way, jti, device, policy, outcome, table, host }) => [
    way,
    outcome,
    jti[0],
    device,
    policy,
    table,
    host,
  ])
  assert.deepEqual(told, [
    ['sent', 'signed', 'a', 'laptop-7', 'p1', 'exchanges', 'api.openai.com'],
    ['received', 'valid', 'b', 'far-1', 'p2', 'connections', 'bank.example'],
    ['sent', 'signed', 'a', 'laptop-7', 'p1', 'connections', 'bank.example'],
  ])
  ledger.close()
})

test('what cannot be a token is left out, and nothing that a stranger wrote is passed on', () => {
  const ledger = writtenLedger()
  const odd = [
    'not json',
    '[]',
    'null',
    '"x"',
    '{}',
    '{"outcome":"valid","jti":null}',
    '{"outcome":"valid","jti":7}',
    '{"outcome":"va\\u001blid","jti":"a"}',
    '{"outcome":"valid","jti":"a b"}',
    `{"outcome":"valid","jti":"${'a'.repeat(200)}"}`,
    JSON.stringify({ ...signed, pad: 'x'.repeat(5_000) }),
    '{"signed":[]}',
    '{"signed":"x"}',
  ]
  ledger.connections(...odd.map((attestation) => ({ attestation })))
  ledger.connections({
    attestation: JSON.stringify({ ...signed, device: '\u001b[2J', policy: {} }),
    host: 'x'.repeat(300),
  })
  const told = [...tokensOf(ledger.db)]
  assert.deepEqual(
    told.map(({ jti, device, policy, host }) => [jti, device, policy, host]),
    [[signed.jti, null, null, null]],
  )
  ledger.close()
})

test('exchanges that have not ended, and those that were lost, are counted', () => {
  const ledger = writtenLedger()
  ledger.exchanges({ state: 'open' }, { state: 'lost' }, { state: 'lost' }, {})
  assert.deepEqual(untold(ledger.db), { open: 1, lost: 2 })
  ledger.close()
})

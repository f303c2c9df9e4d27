import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needsRestart, untilRestart } from '../../src/config/reload.ts'
import { configSchema } from '../../src/config/schema.ts'

const before = configSchema.parse({})

const cases: [unknown, string[]][] = [
  [{}, []],
  [{ log: { level: 'debug' }, limits: { connections: 5 }, ca: { leafHours: 24 } }, []],
  [{ proxy: { listen: ['127.0.0.1:3128'] } }, []],
  [
    { proxy: { listen: ':1' }, gateway: { listen: ':2' }, console: { listen: ':3' } },
    ['proxy.listen', 'gateway.listen', 'console.listen'],
  ],
  [{ audit: { encryption: { keys: [{ id: 'k', env: 'K' }] } } }, ['audit.encryption']],
  [
    { audit: { durability: 'power', bodies: { inlineBytes: 1, maxBytes: 2 } } },
    ['audit.durability', 'audit.bodies.inlineBytes'],
  ],
  [{ data: { dir: 'd' }, workers: 2, ca: { dir: 'c' } }, ['data.dir', 'workers', 'ca.dir']],
]

for (const [change, expected] of cases) {
  test(`${JSON.stringify(change)} needs a restart for ${expected.join(', ') || 'nothing'}`, () => {
    assert.deepEqual(needsRestart(before, configSchema.parse(change)), expected)
  })
}

test('what the writer of the ledger was started with stays until a restart; all else is new', () => {
  const changed = { durability: 'power', bodies: { inlineBytes: 1, maxBytes: 2, store: 'none' }, search: true }
  const { audit } = untilRestart(before, configSchema.parse({ audit: changed, log: { level: 'debug' } }))
  const { bodies, durability } = before.audit
  assert.deepEqual(
    [audit.durability, audit.bodies.inlineBytes, audit.bodies.maxBytes, audit.bodies.store, audit.search],
    [durability, bodies.inlineBytes, 2, 'none', true],
  )
})

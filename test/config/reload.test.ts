import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needsRestart } from '../../src/config/reload.ts'
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
  [{ data: { dir: 'd' }, workers: 2, ca: { dir: 'c' } }, ['data.dir', 'workers', 'ca.dir']],
]

for (const [change, expected] of cases) {
  test(`${JSON.stringify(change)} needs a restart for ${expected.join(', ') || 'nothing'}`, () => {
    assert.deepEqual(needsRestart(before, configSchema.parse(change)), expected)
  })
}

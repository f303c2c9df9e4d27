import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodyKeys } from '../../src/app/body-keys.ts'
import { configSchema } from '../../src/config/schema.ts'

const warn = (): never => assert.fail('no warning is due')

test('the keys of the configuration come in its order; without any, bodies are not encrypted', () => {
  const keys = [
    { id: 'new', env: 'NEW' },
    { id: 'old', env: 'OLD' },
  ]
  const env = { NEW: '1'.repeat(64), OLD: '2'.repeat(64) }
  const read = bodyKeys(configSchema.parse({ audit: { encryption: { keys } } }), warn, env)
  assert.deepEqual(
    read.map(({ id, key }) => [id, Buffer.from(key).toString('hex')]),
    [
      ['new', env.NEW],
      ['old', env.OLD],
    ],
  )
  assert.deepEqual(bodyKeys(configSchema.parse({}), warn, {}), [])
})

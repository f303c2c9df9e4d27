import assert from 'node:assert/strict'
import { test } from 'node:test'
import { later, laterKeys } from '../../src/config/later.ts'
import { configSchema } from '../../src/config/schema.ts'
import { settings } from '../../src/config/settings.ts'

test('nothing of the defaults waits for its feature', () => {
  assert.deepEqual(laterKeys(configSchema.parse({})), [])
})

test('what is set and waits for its feature is named; what is set to its default is not', () => {
  const config = configSchema.parse({
    audit: { export: [{ name: 'd', type: 'file', path: 'x' }], store: 'postgres://h/d', durability: 'power' },
    upstream: { clientCerts: [] },
  })
  assert.deepEqual(laterKeys(config), ['audit.store'])
})

test('each entry of the list is a setting or a section', () => {
  const keys = settings().map(({ key }) => key)
  for (const entry of later) {
    const name = keyOf(entry)
    assert.ok(
      keys.some((key) => key === name || key.startsWith(`${name}.`)),
      name,
    )
  }
})

const keyOf = (entry: (typeof later)[number]): string => (typeof entry === 'string' ? entry : entry.key)

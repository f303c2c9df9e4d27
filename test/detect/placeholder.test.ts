import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPlaceholder } from '../../src/detect/placeholder.ts'

test('documentation examples, templates, masks and references are placeholders', () => {
  const placeholders = [
    'AKIAIOSFODNN7EXAMPLE',
    'your-api-key',
    'YOUR_TOKEN_HERE',
    'changeme',
    'xxxxxxxxxxxx',
    '****************',
    '***',
    'xxx',
    '<token>',
    '${DB_PASSWORD}',
    '{{ vault.secret }}',
    '$API_KEY',
    '%TOKEN%',
    'process.env.TOKEN',
    'os.environ["TOKEN"]',
    '$(cat token)',
    'aaaaaaaaaaaaaaaa',
    '1234567890',
    'sk_abcdefghijkl',
    'sk-...',
  ]
  for (const value of placeholders) assert.equal(isPlaceholder(value), true, value)
})

test('values are not', () => {
  for (const value of [
    'k7Vw2pQz9',
    'm{{h}o)p${e]nob',
    'AKIAQ3EGTSK7DYM4XWZN',
    'tree-7-house',
    'a1b2',
    '0f9e8d7c6b5a4938',
    'abcdefghijklmnopqrstuvwxyz1234567890',
    `b3BlbnNzaC1rZXkt${'A'.repeat(12)}bm9uZQ${'kQ7'.repeat(40)}`,
    'AAAAAAAAAAAAk7Vw2pQz9tree7Hjx3LmQ2Zu8',
  ]) {
    assert.equal(isPlaceholder(value), false, value)
  }
})

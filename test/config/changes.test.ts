import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { configChanges } from '../../src/config/changes.ts'
import { loadWithOrigins } from '../../src/config/load.ts'
import { tempFolder } from '../support/temp.ts'

const SECRET = 'made-up-Zq8fK2'
const OTHER = 'made-up-Yw7gL3'
const cwd = tempFolder('config')

function loaded(text: string, env: Record<string, string> = {}) {
  writeFileSync(join(cwd, 'sallyport.yaml'), text)
  return loadWithOrigins({ env, cwd })
}

test('what differs is named by key, with both values', () => {
  const before = loaded('audit: { retention: { days: 90 } }')
  const after = loaded(
    '{ audit: { retention: { days: 7 }, whenUnavailable: allow }, upstream: { resolve: { "a.example:443": "127.0.0.1:1" } } }',
  )
  assert.deepEqual(configChanges(before, after), {
    before: { 'upstream.resolve': {}, 'audit.retention.days': 90, 'audit.whenUnavailable': 'block' },
    after: {
      'upstream.resolve': { 'a.example:443': '127.0.0.1:1' },
      'audit.retention.days': 7,
      'audit.whenUnavailable': 'allow',
    },
  })
  assert.deepEqual(configChanges(before, before), { before: {}, after: {} })
})

test('a secret that changed is told, and neither of the two is', () => {
  const text = `
console: { token: "\${TOKEN}" }
audit:
  export:
    - { name: hec, type: splunk, url: https://splunk.example:8088, token: "\${TOKEN}", index: ai }
`
  const changes = configChanges(loaded(text, { TOKEN: SECRET }), loaded(text, { TOKEN: OTHER }))
  assert.deepEqual(Object.keys(changes.after), ['console.token', 'audit.export'])
  assert.ok(!JSON.stringify(changes).includes('made-up'))
})

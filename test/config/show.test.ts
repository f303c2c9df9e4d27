import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadWithOrigins } from '../../src/config/load.ts'
import { settings } from '../../src/config/settings.ts'
import { originText, shownConfig } from '../../src/config/show.ts'
import { tempFolder } from '../support/temp.ts'

const SECRET = 'made-up-Zq8fK2'

function shownOf(text: string, env: Record<string, string> = {}) {
  const cwd = tempFolder('config')
  writeFileSync(join(cwd, 'sallyport.yaml'), text)
  const shown = shownConfig(loadWithOrigins({ env, cwd, flags: { 'log.level': 'debug' } }))
  return new Map(shown.map(({ key, value, origin }) => [key, { value, origin }]))
}

test('every setting is shown once, in the order of the schema', () => {
  assert.deepEqual(
    [...shownOf('').keys()],
    settings().map(({ key }) => key),
  )
})

test('values are shown as they stand in a file, with where they come from', () => {
  const shown = shownOf('\nproxy: { listen: "[::1]:1" }', { SALLYPORT_CA_LEAFHOURS: '24' })
  assert.deepEqual(shown.get('proxy.listen'), { value: ['[::1]:1'], origin: 'sallyport.yaml:2' })
  assert.deepEqual(shown.get('ca.leafHours'), { value: 24, origin: 'environment SALLYPORT_CA_LEAFHOURS' })
  assert.deepEqual(shown.get('log.level'), { value: 'debug', origin: 'flag' })
  assert.deepEqual(shown.get('workers'), { value: 'auto', origin: 'default' })
})

test('no secret is shown, wherever it comes from', () => {
  const text = `
console: { token: ${SECRET} }
ca: { passphrase: "\${PASS}" }
upstream: { proxy: "http://user:${SECRET}@proxy.example:8080", resolve: { "a.example:443": "\${WHERE}" } }
gateway: { providers: { openai: { kind: openai, apiKey: ${SECRET} } } }
audit:
  store: postgres://user:${SECRET}@db.example/audit
  export:
    - { name: hec, type: splunk, url: "https://u:${SECRET}@s.example", token: ${SECRET} }
    - { name: otel, type: otlp, url: "https://o.example", headers: { authorization: ${SECRET} } }
    - { name: hook, type: webhook, url: "\${URL}", secret: ${SECRET} }
    - { name: asked, type: webhook, url: "https://h.example/in?token=${SECRET}", secret: ${SECRET} }
`
  const shown = shownOf(text, {
    PASS: SECRET,
    WHERE: '192.0.2.9:443',
    URL: `https://x.example/${SECRET}`,
    SALLYPORT_LOG_FORMAT: 'json',
  })
  const all = JSON.stringify([...shown])
  assert.ok(!all.includes(SECRET))
  assert.ok(!all.includes('192.0.2.9'))
  assert.equal(shown.get('upstream.proxy')?.value, 'http://***@proxy.example:8080')
  assert.equal(shown.get('audit.store')?.value, 'postgres://***@db.example/audit')
  assert.equal(shown.get('console.token')?.value, '***')
})

test('a secret that is not set is shown as not set', () => {
  assert.equal(shownOf('').get('console.token')?.value, null)
})

test('an origin in the file is named by line', () => {
  assert.equal(originText({ kind: 'file', file: 'f.yaml', line: 7, column: 3 }), 'f.yaml:7')
})

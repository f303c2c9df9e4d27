import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { stringify } from 'yaml'
import { loadConfig, loadWithOrigins } from '../../src/config/load.ts'
import type { ConfigSource } from '../../src/config/load.ts'
import { settings } from '../../src/config/settings.ts'
import { SallyportError } from '../../src/core/errors.ts'
import { tempFolder } from '../support/temp.ts'

function folderWith(text: string): string {
  const cwd = tempFolder('config')
  writeFileSync(join(cwd, 'sallyport.yaml'), text)
  return cwd
}

function refusal(source: Partial<ConfigSource> & { cwd: string }): SallyportError {
  try {
    loadConfig({ env: {}, ...source })
  } catch (error) {
    assert.ok(error instanceof SallyportError)
    assert.equal(error.code, 'config_invalid')
    return error
  }
  return assert.fail('it was accepted')
}

test('without a file all is default, with folders in the working directory', () => {
  const cwd = tempFolder('config')
  const { config, file, origins } = loadWithOrigins({ env: {}, cwd })
  assert.equal(file, null)
  assert.equal(config.data.dir, join(cwd, 'data'))
  assert.equal(config.ca.dir, join(cwd, 'certs'))
  assert.ok([...origins.values()].every(({ kind }) => kind === 'default'))
})

test('sallyport.yaml of the working directory is read, or the file that is named', () => {
  const cwd = folderWith('log: { level: warn }')
  writeFileSync(join(cwd, 'other.yaml'), 'log: { level: error }')
  assert.equal(loadConfig({ env: {}, cwd }).log.level, 'warn')
  assert.equal(loadConfig({ env: {}, cwd, file: 'other.yaml' }).log.level, 'error')
})

test('paths are relative to the file’s folder; those of flags to the working directory', () => {
  const cwd = tempFolder('config')
  mkdirSync(join(cwd, 'etc'))
  writeFileSync(join(cwd, 'etc', 's.yaml'), 'upstream: { ca: [a.pem, /b.pem] }\nproxy: { tls: { cert: c, key: ../k } }')
  const config = loadConfig({
    file: 'etc/s.yaml',
    cwd,
    env: { SALLYPORT_CA_DIR: 'authority' },
    flags: { 'data.dir': 'state' },
  })
  assert.deepEqual(config.upstream.ca, [join(cwd, 'etc', 'a.pem'), '/b.pem'])
  assert.deepEqual(config.proxy.tls, { cert: join(cwd, 'etc', 'c'), key: join(cwd, 'k'), clientCa: [] })
  assert.equal(config.ca.dir, join(cwd, 'etc', 'authority'))
  assert.equal(config.policies.dir, join(cwd, 'etc', 'policies'))
  assert.equal(config.data.dir, join(cwd, 'state'))
})

test('every problem is told with its place and the nearest key', () => {
  const cwd = folderWith(
    ['prox: {}', 'proxy:', '  lisen: ":1"', '  auth: bsic', 'limits:', '  connections: "${MAX}"', ''].join('\n'),
  )
  const { message } = refusal({ cwd, env: { SALLYPORT_LOG_LEVEL: 'loud', SALLYPORT_LOG_FORMT: 'json' } })
  assert.deepEqual(message.split('\n'), [
    'sallyport.yaml:1:1: unknown key prox (did you mean proxy?)',
    'sallyport.yaml:3:3: unknown key lisen in proxy (did you mean listen?)',
    'sallyport.yaml:4:9: proxy.auth must be none, basic or mtls (did you mean basic?)',
    'sallyport.yaml:6:16: limits.connections needs the environment variable MAX, which is not set',
    'environment SALLYPORT_LOG_FORMT: names no setting (did you mean SALLYPORT_LOG_FORMAT?)',
    'environment SALLYPORT_LOG_LEVEL: log.level must be trace, debug, info, warn, error, fatal or silent',
  ])
})

const broken: [string, string, RegExp][] = [
  ['a list', '- a', /^sallyport\.yaml:1:1: the file must be a mapping/],
  ['a scalar', '5', /^sallyport\.yaml:1:1: the file must be a mapping/],
  ['a duplicate key', 'log: {}\nlog: {}', /^sallyport\.yaml:2:1: /],
  ['an open bracket', 'log: {', /^sallyport\.yaml:\d+:\d+: /],
  ['two documents', 'log: {}\n---\nlog: {}', /^sallyport\.yaml:\d+:\d+: /],
  ['an address used twice', 'console: { listen: ":1" }\nproxy: { listen: [":2", ":1"] }', /^sallyport\.yaml:\d+:\d+: /],
]

for (const [name, text, expected] of broken) {
  test(`${name} is refused with its place`, () => {
    assert.match(refusal({ cwd: folderWith(text) }).message, expected)
  })
}

test('a file that is named must be there', () => {
  const cwd = tempFolder('config')
  assert.equal(refusal({ cwd, file: 'no.yaml' }).message, 'no.yaml: cannot be read: no such file')
  assert.equal(refusal({ cwd, file: '.' }).message, '.: cannot be read: it is a folder')
})

test('no problem repeats a secret', () => {
  const secret = 'made-up-Zq8fK2'
  const cwd = folderWith(
    stringify({
      console: { token: [secret] },
      upstream: { proxy: `ftp://user:${secret}@h:1` },
      audit: {
        store: `mysql://${secret}@h`,
        export: [{ name: 'x', type: 'webhook', url: secret, secret: { a: secret } }],
      },
      gateway: { providers: { a: { kind: secret, apiKey: [secret] } } },
    }),
  )
  const error = refusal({ cwd, env: { SALLYPORT_UPSTREAM_PROXY: `nope://${secret}`, SALLYPORT_WORKERS: secret } })
  assert.ok(!`${error.message}${error.hint}`.includes(secret))
})

test('whatever the file says, it is accepted or refused as configuration', () => {
  const words = settings().flatMap(({ path }) => path)
  const key = fc.oneof(
    fc.constantFrom(...new Set(words)),
    fc.string(),
    fc.constantFrom('constructor', '__proto__', '0'),
  )
  const scalar = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constantFrom(null, '', 'auto', '${A}', '${', '$${', ':1', '[::1]:0', '10.0.0.0/8', 'file', 'https://a.example'),
  )
  const { document } = fc.letrec<{ document: unknown; value: unknown }>((tie) => ({
    document: fc.dictionary(key, tie('value'), { maxKeys: 5 }),
    value: fc.oneof({ maxDepth: 4 }, scalar, fc.array(tie('value'), { maxLength: 3 }), tie('document')),
  }))
  const cwd = tempFolder('config')
  fc.assert(
    fc.property(document, fc.string(), fc.nat(200), (value, junk, cut) => {
      const text = stringify(value)
      writeFileSync(join(cwd, 'sallyport.yaml'), cut < 150 ? text : text.slice(0, cut) + junk)
      try {
        loadConfig({ env: { A: 'x' }, cwd })
      } catch (error) {
        if (!(error instanceof SallyportError) || error.code !== 'config_invalid') throw error
      }
    }),
    { numRuns: 300 },
  )
})

test('whatever a variable says, it is accepted or refused as configuration', () => {
  const names = settings().map(({ path }) => `SALLYPORT_${path.join('_').toUpperCase()}`)
  const cwd = tempFolder('config')
  const text = fc.oneof(fc.string(), fc.json(), fc.constantFrom('null', '[', '{a: b}', '- x', '1', 'true', '*a', '!!x'))
  fc.assert(
    fc.property(fc.constantFrom(...names), text, (name, value) => {
      try {
        loadConfig({ env: { [name]: value }, cwd })
      } catch (error) {
        if (!(error instanceof SallyportError) || error.code !== 'config_invalid') throw error
      }
    }),
    { numRuns: 300 },
  )
})

import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { childEnvironment } from '../../src/app/child-environment.ts'
import { prepare } from '../../src/app/prepare.ts'
import type { Config } from '../../src/config/schema.ts'
import { silentLog } from '../../src/lib/log.ts'
import type { Authority } from '../../src/tls/authority.ts'
import { configIn } from '../support/app.ts'
import { tempFolder } from '../support/temp.ts'

const dir = tempFolder('child')
let config: Config
let authority: Authority

before(async () => {
  config = configIn(dir)
  authority = (await prepare(config, silentLog())).authority
})
after(() => rmSync(dir, { recursive: true, force: true }))

const environment = (env: Record<string, string> = {}) => childEnvironment(config, authority, '127.0.0.1:4128', env)

test('a child keeps its own variables, and gets proxy and certificates; what would lead past the proxy is gone', async () => {
  const env = await environment({ HOME: '/home/me', ALL_PROXY: 'socks5://elsewhere', https_proxy: 'http://elsewhere' })
  assert.equal(env['HOME'], '/home/me')
  assert.equal(env['ALL_PROXY'], undefined)
  for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'])
    assert.equal(env[name], 'http://127.0.0.1:4128', name)
  assert.equal(env['SALLYPORT_EXEC'], '1')
  for (const name of ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE']) assert.ok(existsSync(env[name] as string), name)
})

test('the keys of stored bodies are not handed to the child', async () => {
  const keys = [
    { id: 'k1', env: 'BODY_KEY' },
    { id: 'k0', file: 'key' },
  ]
  const encrypted = { ...config, audit: { ...config.audit, encryption: { keys } } }
  const env = await childEnvironment(encrypted, authority, '127.0.0.1:4128', { BODY_KEY: 'a'.repeat(64), OTHER: 'b' })
  assert.deepEqual([env['BODY_KEY'], env['OTHER']], [undefined, 'b'])
})

test('the store for Java is made once for an authority, and anew for another', async () => {
  const { JAVA_TOOL_OPTIONS: options = '' } = await environment({ JAVA_TOOL_OPTIONS: '-Dmine=1' })
  assert.match(options, /-Dmine=1 .*trustStore=/)
  const store = join(config.ca.dir, 'truststore.p12')
  const made = statSync(store).mtimeMs
  await environment()
  assert.equal(statSync(store).mtimeMs, made)
  writeFileSync(join(config.ca.dir, 'truststore.of'), 'another authority')
  await environment()
  assert.equal(readFileSync(join(config.ca.dir, 'truststore.of'), 'utf8'), authority.fingerprint)
  assert.notEqual(statSync(store).mtimeMs, made)
})

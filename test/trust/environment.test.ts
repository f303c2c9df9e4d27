import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { environmentFor, unsetVariables } from '../../src/trust/environment.ts'

const options = { proxyUrl: 'http://127.0.0.1:3128', caFile: '/c/ca.pem', bundleFile: '/c/bundle.pem' }
const variables = environmentFor(options)

test('the proxy is named in both cases, and loopback is left out', () => {
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy']) {
    assert.equal(variables[name], 'http://127.0.0.1:3128')
  }
  assert.equal(variables['NO_PROXY'], 'localhost,127.0.0.1,::1')
  assert.equal(variables['no_proxy'], variables['NO_PROXY'])
  assert.equal(variables['NODE_USE_ENV_PROXY'], '1')
  for (const name of unsetVariables) assert.ok(!(name in variables))
})

test('programs that add get the CA alone, programs that replace get the bundle', () => {
  for (const name of ['NODE_EXTRA_CA_CERTS', 'DENO_CERT']) assert.equal(variables[name], '/c/ca.pem')
  for (const name of ['SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'AWS_CA_BUNDLE', 'GIT_SSL_CAINFO']) {
    assert.equal(variables[name], '/c/bundle.pem')
  }
  const files = Object.values(variables).filter((value) => value.endsWith('.pem'))
  assert.ok(files.every((value) => value === '/c/ca.pem' || value === '/c/bundle.pem'))
})

test('the hosts to reach directly are those asked for', () => {
  assert.equal(environmentFor({ ...options, noProxy: ['.corp.example'] })['NO_PROXY'], '.corp.example')
})

test('the documentation names every variable that is set', () => {
  const page = readFileSync(new URL('../../docs/ca.md', import.meta.url), 'utf8')
  for (const name of [...Object.keys(variables), 'JAVA_TOOL_OPTIONS', ...unsetVariables]) {
    assert.ok(page.includes(`\`${name.toUpperCase()}\``), name)
  }
})

test('Java is told by properties, beside the options it had; without a store it is left alone', () => {
  assert.ok(!('JAVA_TOOL_OPTIONS' in variables))
  const java = environmentFor({
    ...options,
    proxyUrl: 'http://[::1]:3128',
    noProxy: ['localhost', '.corp.example', '::1'],
    javaStore: { file: '/with space/t.p12', password: 'changeit' },
    inherited: { JAVA_TOOL_OPTIONS: '-Xmx1g' },
  })
  assert.equal(
    java['JAVA_TOOL_OPTIONS'],
    '-Xmx1g -Dhttp.proxyHost=::1 -Dhttp.proxyPort=3128 -Dhttps.proxyHost=::1 -Dhttps.proxyPort=3128 ' +
      '"-Dhttp.nonProxyHosts=localhost|*.corp.example|[::1]" "-Djavax.net.ssl.trustStore=/with space/t.p12" ' +
      '-Djavax.net.ssl.trustStoreType=PKCS12 -Djavax.net.ssl.trustStorePassword=changeit',
  )
})

test('a real Java reads every property as it was meant', { skip: noJava() }, () => {
  const { JAVA_TOOL_OPTIONS = '' } = environmentFor({ ...options, javaStore: { file: "/it's a/t.p12", password: 'x' } })
  const shown = execFileSync('sh', ['-c', 'java -XshowSettings:properties -version 2>&1'], {
    encoding: 'utf8',
    env: { ...process.env, JAVA_TOOL_OPTIONS },
  })
  for (const line of [
    'https.proxyHost = 127.0.0.1',
    'https.proxyPort = 3128',
    'http.nonProxyHosts = localhost|127.0.0.1|[::1]',
    "javax.net.ssl.trustStore = /it's a/t.p12",
  ]) {
    assert.ok(shown.includes(line), line)
  }
})

function noJava(): string | false {
  try {
    execFileSync('java', ['-version'], { stdio: 'ignore' })
    return false
  } catch {
    return 'no java on this machine'
  }
}

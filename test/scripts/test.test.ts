import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chosenTests, testEnvironment } from '../../scripts/test.ts'

const all = ['test/tls/ca.test.ts', 'test/clients/curl.test.ts', 'test/http/headers.test.ts']

test('all tests run but those of other ecosystems', () => {
  assert.deepEqual(chosenTests(all, []), ['test/http/headers.test.ts', 'test/tls/ca.test.ts'])
})

test('arguments choose by any part of the path', () => {
  assert.deepEqual(chosenTests(all, ['tls/']), ['test/tls/ca.test.ts'])
  assert.deepEqual(chosenTests(all, ['nowhere']), [])
})

test('proxies, authorities and settings of the outside do not reach the tests', () => {
  const env = {
    PATH: '/bin',
    HTTPS_PROXY: 'x',
    no_proxy: 'x',
    SALLYPORT_PROXY_LISTEN: 'x',
    SSL_CERT_FILE: 'x',
    OPENAI_API_KEY: 'x',
  }
  assert.deepEqual(testEnvironment(env), { PATH: '/bin' })
})

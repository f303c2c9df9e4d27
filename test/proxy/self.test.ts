import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { bytesAtHand } from '../../src/http/body.ts'
import { pacFile, selfAnswer } from '../../src/proxy/self.ts'

const pages = {
  caPem: () => '-----BEGIN CERTIFICATE-----\n',
  caDer: () => Buffer.from([1, 2]),
  crl: () => Buffer.from([3]),
  fingerprint: () => 'ab:cd',
  inspected: () => ['api.openai.com', '*.example.com'],
}
const body = (path: string, method = 'GET') => {
  const answer = selfAnswer(pages, method, path, '127.0.0.1:3128')
  return {
    status: answer.head.status,
    headers: answer.head.headers,
    text: Buffer.from(bytesAtHand(answer.body!)!).toString('latin1'),
  }
}

test('each page is there, and only these', () => {
  assert.match(body('/').text, /export HTTPS_PROXY=http:\/\/127\.0\.0\.1:3128/)
  assert.equal(body('/ca.pem').text, '-----BEGIN CERTIFICATE-----\n')
  assert.equal(body('/ca.der').text, '\u0001\u0002')
  assert.equal(body('/ca.crl').text, '\u0003')
  assert.equal(body('/none').status, 404)
  assert.equal(body('/__proto__').status, 404)
  assert.equal(body('/', 'POST').status, 405)
})

const route = (globs: readonly string[] | 'any', host: string): string => {
  const shExpMatch = (text: string, glob: string): boolean =>
    new RegExp(
      `^${glob
        .replace(/[.+^${}()|[\]\\]/g, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.')}$`,
    ).test(text)
  return runInNewContext(`${pacFile(globs, 'PROXY p:1')}; FindProxyForURL('https://${host}/', '${host}')`, {
    shExpMatch,
  }) as string
}

test('the PAC file sends inspected hosts here and the rest directly, for any number of hosts', () => {
  const many = Array.from({ length: 5_000 }, (_, i) => `h${i}.example`)
  assert.equal(route([...many, '*.last.example'], 'a.last.example'), 'PROXY p:1')
  assert.equal(route(many, 'H4999.example'), 'PROXY p:1')
  assert.equal(route(many, 'other.example'), 'DIRECT')
  assert.equal(route([], 'other.example'), 'DIRECT')
  assert.equal(route('any', 'other.example'), 'PROXY p:1')
})

test('a glob that is no host pattern cannot put code into the PAC file', () => {
  assert.ok(!pacFile(['a"];alert(1);["', '</script>'], 'PROXY p:1').includes('alert'))
})

test('a client that speaks TLS to the proxy is told to go on doing so', () => {
  const text = (path: string) =>
    Buffer.from(bytesAtHand(selfAnswer(pages, 'GET', path, 'gate.example:3128', 'https').body!)!).toString()
  assert.match(text('/proxy.pac'), /return "HTTPS gate\.example:3128"/)
  assert.match(text('/'), /export HTTPS_PROXY=https:\/\/gate\.example:3128/)
  assert.match(body('/proxy.pac').text, /return "PROXY 127\.0\.0\.1:3128"/)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { exception, formatAddress, isCidr, parseAddress, url } from '../../src/config/values.ts'

const good: [string, { host: string; port: number }][] = [
  ['127.0.0.1:3128', { host: '127.0.0.1', port: 3128 }],
  [':3128', { host: '', port: 3128 }],
  [':0', { host: '', port: 0 }],
  ['[::1]:3128', { host: '::1', port: 3128 }],
  ['[fe80::1%eth0]:1', { host: 'fe80::1%eth0', port: 1 }],
  ['LocalHost:65535', { host: 'localhost', port: 65_535 }],
]

for (const [text, address] of good) {
  test(`the address ${text} is read`, () => {
    assert.deepEqual(parseAddress(text), address)
  })
}

for (const text of [
  '',
  '3128',
  'host',
  'host:',
  'host:65536',
  '::1:3128',
  '[::1]',
  '[x]:1',
  'a b:1',
  'http://h:1',
  'h:1/',
]) {
  test(`the address ${JSON.stringify(text)} is refused`, () => {
    assert.equal(parseAddress(text), undefined)
  })
}

test('an address that was read is written so that it reads the same', () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain(), fc.constant(''))
  fc.assert(
    fc.property(host, fc.integer({ min: 0, max: 65_535 }), (name, port) => {
      const address = { host: name.toLowerCase(), port }
      assert.deepEqual(parseAddress(formatAddress(address)), address)
    }),
  )
})

const networks: [string, boolean][] = [
  ['10.0.0.0/8', true],
  ['0.0.0.0/0', true],
  ['::1/128', true],
  ['::1', true],
  ['192.0.2.1', true],
  ['10.0.0.0/33', false],
  ['::/129', false],
  ['10.0.0.0/', false],
  ['10.0.0.0/8/8', false],
  ['10.0.0/8', false],
  ['fe80::1%eth0/64', false],
  ['example.com', false],
]

for (const [text, expected] of networks) {
  test(`${text} is ${expected ? 'a network' : 'no network'}`, () => {
    assert.equal(isCidr(text), expected)
  })
}

const urls: [text: string, expected: boolean][] = [
  ['http://user:pass@proxy.test:8080', true],
  ['socks5://[::1]:1080', true],
  ['HTTP://proxy.test', true],
  ['https://proxy.test', false],
  ['proxy.test:8080', false],
  // What URL reads nevertheless, and nothing would mask.
  ['http:user:pass@proxy.test:8080', false],
  ['http:/user:pass@proxy.test:8080', false],
  ['http:\\\\user:pass@proxy.test:8080', false],
  ['ht\ntp://user:pass@proxy.test:8080', false],
  [' http://proxy.test', false],
]
for (const [text, expected] of urls) {
  test(`${JSON.stringify(text)} is ${expected ? 'a URL' : 'no URL'} of a parent`, () => {
    assert.equal(url('http', 'socks5').safeParse(text).success, expected)
  })
}

test('an exception is a host, suffix, address or network', () => {
  assert.deepEqual(
    ['corp.test', '.corp.test', '*.corp.test:80', '10.0.0.0/8', '[::1]:80', '*'].map(
      (one) => exception.safeParse(one).success,
    ),
    [true, true, true, true, true, true],
  )
  assert.deepEqual(
    ['', 'http://corp.test', 'a b', 'x.test:0', '10.0.0.0/99'].map((one) => exception.safeParse(one).success),
    [false, false, false, false, false],
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalHost, parseAbsolute, parseAuthority, splitPath, withPort } from '../../src/proxy/target.ts'

const authorities: [text: string, host: string, port: number][] = [
  ['api.example.com:443', 'api.example.com', 443],
  ['API.Example.COM.:8443', 'api.example.com', 8443],
  ['[::1]:443', '::1', 443],
  ['[2001:DB8::1]:1', '2001:db8::1', 1],
  ['127.0.0.1:65535', '127.0.0.1', 65_535],
  ['b\xfccher.example:443', 'xn--bcher-kva.example', 443],
  ['XN--Bcher-KVA.example:443', 'xn--bcher-kva.example', 443],
  ['B\xdcCHER.example.:443', 'xn--bcher-kva.example', 443],
  ['api.example.com:00443', 'api.example.com', 443],
  ['127.0.0.1.:443', '127.0.0.1', 443],
  ['[2001:0db8:0:0:0::1]:443', '2001:db8::1', 443],
  ['[::ffff:127.0.0.1]:443', '127.0.0.1', 443],
  ['[::ffff:7f00:1]:443', '127.0.0.1', 443],
  ['[::]:443', '::', 443],
  ['localhost.:443', 'localhost', 443],
  [`${'a'.repeat(63)}.example:443`, `${'a'.repeat(63)}.example`, 443],
  ['my_host:80', 'my_host', 80],
]

test('a CONNECT target is a host and a port', () => {
  for (const [text, host, port] of authorities) assert.deepEqual(parseAuthority(text), { host, port }, text)
})

const refused = [
  'api.example.com',
  'api.example.com:',
  'api.example.com:0',
  'api.example.com:65536',
  'api.example.com:443x',
  'http://api.example.com:443',
  'api.example.com:443/x',
  'user@api.example.com:443',
  'user:pw@api.example.com:443',
  'a b:443',
  '../../x:443',
  'a\0b:443',
  '[::1:443',
  '::1:443',
  '[fe80::1%25eth0]:443',
  '[fe80::1%eth0]:443',
  '127.1:443',
  '0x7f.0.0.1:443',
  '2130706433:443',
  '0x7f000001:443',
  '0177.0.0.01:443',
  '1.2.3:443',
  ':443',
  '',
  '-a.example:443',
  'a..b:443',
  `${'a'.repeat(64)}.example:443`,
  '%31%32%37.0.0.1:443',
  'a\\b:443',
  'a?b:443',
  'a#b:443',
  '.:443',
  '..:443',
  '0:443',
  '0x7f.1:443',
  '017700000001:443',
  '127.0.0.1..:443',
  '1.2.3.4.5:443',
  'a.example..:443',
  'a.example:99999999',
  'a.example:-1',
  'a.example:+443',
  'a.example: 443',
  'a.example:443 ',
  ' a.example:443',
  'a.example:44\t3',
  'a.example:0x1bb',
  'a.example:443:443',
  'https://a.example/',
  'a@b@c.example:443',
  '@a.example:443',
  '[::1]x:443',
  '[::1].example:443',
  '[127.0.0.1]:443',
  '[::ffff:127.1]:443',
  '[v1.x]:443',
  // Full-width digits and dots, which become 127.0.0.1 in some places.
  '\uff11\uff12\uff17.0.0.1:443',
  '127\u30020\u30020\u30021:443',
  `${'a.'.repeat(127)}example:443`,
]

test('anything that two readers could take differently is no target', () => {
  for (const text of refused) assert.equal(parseAuthority(text), undefined, text)
})

test('a target that is accepted is accepted again in its own spelling', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), (text) => {
      const parsed = parseAuthority(text)
      if (parsed === undefined) return
      const spelled = parsed.host.includes(':') ? `[${parsed.host}]` : parsed.host
      assert.deepEqual(parseAuthority(`${spelled}:${parsed.port}`), parsed)
    }),
  )
})

test('an absolute target has scheme, host, port, path and query', () => {
  assert.deepEqual(parseAbsolute('http://a.example/x?y=1'), {
    scheme: 'http',
    host: 'a.example',
    port: 80,
    path: '/x',
    query: '?y=1',
  })
  assert.deepEqual(parseAbsolute('HTTPS://A.example:8443'), {
    scheme: 'https',
    host: 'a.example',
    port: 8443,
    path: '/',
    query: '',
  })
  for (const bad of ['ftp://a/', 'http:///x', '/x', 'http://u@a/', 'http://a:0/', '*', 'a:443'])
    assert.equal(parseAbsolute(bad), undefined, bad)
})

test('a Host without a port means the port of the scheme', () => {
  assert.deepEqual(withPort('a.example', 'https'), { host: 'a.example', port: 443 })
  assert.deepEqual(withPort('a.example:', 'http'), { host: 'a.example', port: 80 })
  assert.deepEqual(withPort('[::1]', 'https'), { host: '::1', port: 443 })
  assert.deepEqual(withPort('[::1]:8', 'https'), { host: '::1', port: 8 })
})

test('hosts are compared in one spelling, paths are cut at the query', () => {
  assert.equal(canonicalHost('EXAMPLE.com.'), 'example.com')
  assert.equal(canonicalHost('[::1'), undefined)
  assert.deepEqual(splitPath('/a?b?c'), { path: '/a', query: '?b?c' })
  assert.deepEqual(splitPath('/a'), { path: '/a', query: '' })
})

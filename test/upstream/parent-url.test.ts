import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parentAddress } from '../../src/upstream/parent-url.ts'

const read: [url: string, ...Parameters<typeof address>][] = [
  ['http://p.test', 'http', 'p.test', 80],
  ['https://P.Test/', 'https', 'p.test', 443],
  ['socks5://p.test', 'socks5', 'p.test', 1080],
  ['socks5://P.test:9050', 'socks5', 'p.test', 9050],
  ['http://p.test:80', 'http', 'p.test', 80],
  ['http://[::1]:3128', 'http', '::1', 3128],
  ['socks5://[::1]:3128', 'socks5', '::1', 3128],
  ['http://ana:secret@p.test:1', 'http', 'p.test', 1, ['ana', 'secret']],
  ['http://ana%40corp:p%3A%2F%C3%BC%25@p.test:1', 'http', 'p.test', 1, ['ana@corp', 'p:/ü%']],
  ['http://ana@p.test:1', 'http', 'p.test', 1, ['ana', '']],
  ['socks5://ana:s%20p@p.test:1', 'socks5', 'p.test', 1, ['ana', 's p']],
]
for (const [url, ...parts] of read) {
  test(`${url} is read`, () => {
    assert.deepEqual(parentAddress(url), address(...parts))
  })
}

for (const url of [
  'ftp://ana:sekret@p.test',
  'not a url with sekret',
  'http://ana:sekret@p.test/path',
  'http://ana:sekret@p.test/?q',
  'http://ana:sekret%@p.test',
  'http://ana:sekret%FF@p.test',
  'http://a%3Ana:sekret@p.test',
  'http://ana:sekret%0D%0AX:y@p.test',
  'socks5://ana@p.test',
  `socks5://ana:sekret${'x'.repeat(255)}@p.test`,
]) {
  test(`${url.slice(0, 40)} is a fault of the configuration, told without its secrets`, () => {
    assert.throws(
      () => parentAddress(url),
      (error: { code: string; message: string }) =>
        error.code === 'config_invalid' && !error.message.includes('sekret'),
    )
  })
}

function address(kind: string, host: string, port: number, credentials?: [string, string]) {
  const [user, password] = credentials ?? []
  return { kind, host, port, credentials: credentials === undefined ? undefined : { user, password } }
}

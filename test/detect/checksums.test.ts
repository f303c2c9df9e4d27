import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checksums } from '../../src/detect/checksums.ts'

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const broken = Buffer.from('{"alg":"HS5.w"typ":"JWT"}').toString('base64url')
const token = `${encoded({ alg: 'HS256' })}.${encoded({ sub: 'dora' })}.c2lnbmF0dXJl`

const cases: [name: string, valid: string[], invalid: string[]][] = [
  [
    'card',
    ['4539 1488 0343 6467', '378282246310005', '6011000990139424'],
    ['4539148803436468', '9999999999999995', '453914880343646'],
  ],
  [
    'iban',
    ['DE53663248624012191417', 'GB82 WEST 1234 5698 7654 32'],
    ['DE53663248624012191418', 'ZZ53663248624012191417', 'DE536632486240121914'],
  ],
  ['luhn-imei', ['356938035643809'], ['356938035643808', '000000000000000']],
  ['ipv4', ['84.23.101.7', '10.0.0.0/8'], ['256.1.1.1', '127.0.0.1']],
  ['ipv6', ['2001:db8::7', 'fe80::1%eth0', '2001:db8::/32'], ['::', '::1', '2001:db8::7::1', '1:2:3']],
  ['phone', ['+44 20 7946 0958'], ['123456', '0000000']],
  ['date', ['12.04.1987', '1987-04-12', '04/23/1987'], ['45.99.1987', '1987-02-30']],
  ['base58check', ['1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2'], ['1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3']],
  ['bech32', ['BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4'], ['BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T5']],
  [
    'jwt',
    [token, `${broken}.${encoded({ sub: 'dora' })}.x`],
    [`${broken}.dora.x`, `${encoded({ typ: 'x' })}.${encoded({})}.x`, `x.${token}`, 'a.b.c'],
  ],
  [
    'base64-jwt',
    [Buffer.from(token).toString('base64'), Buffer.from(token.slice(0, 30)).toString('base64')],
    [Buffer.from('eyelashes and more').toString('base64'), 'ZXlK', ''],
  ],
  [
    'basic',
    [Buffer.from('dora:kw7zebra').toString('base64')],
    ['authentication', Buffer.from('nocolon').toString('base64')],
  ],
  ['email', ['dora@north-hill.org'], ['a..b@x.org', 'image@2x.png', 'pkg@1.2.beta']],
]

for (const [name, valid, invalid] of cases) {
  test(`${name} tells valid values from invalid ones`, () => {
    for (const value of valid) assert.equal(check(name, value), true, value)
    for (const value of invalid) assert.equal(check(name, value), false, value)
  })
}

test('no check throws, whatever it is given', () => {
  const values = ['', '0', 'abc', '....', '::::', '@', '12345678901234567890', 'ÄÖÜ', '{"a":1}', '\u0000'.repeat(40)]
  for (const name of Object.keys(checksums)) for (const value of values) check(name, value)
})

function check(name: string, value: string): boolean | undefined {
  return checksums[name]?.(value, { text: value, start: 0, end: value.length })
}

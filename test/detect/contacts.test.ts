import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contacts } from '../../src/detect/contacts.ts'

type Case = readonly [before: string, value: string, after: string, holds: boolean]

const cases: Readonly<Record<keyof typeof contacts, readonly Case[]>> = {
  email: [
    ['', 'dora@north-hill.org', '', true],
    ['', 'a..b@x.org', '', false],
    ['', 'git@host.example', ':a/b.git', false],
    ['', 'image@2x.png', '', false],
    ['https://user:', 'pass@host.example', '/x', false],
    ['https://host.example/?mail=', 'dora@north-hill.org', '', true],
  ],
  phone: [
    ['', '+44 20 7946 0958', '', true],
    ['', '+1 212 555 0142 ext. 12', '', true],
    ['', '+999 20 7946 0958', '', true],
    ['', '+990 123', '', false],
    ['', '+210 20 7946 0958', '', true],
    ['', '+0 20 7946 0958', '', false],
  ],
  'phone-national': [
    ['tel ', '020 7946 0958', '', true],
    ['tel ', '5550142', '', true],
    ['call of ', '5550142', '', false],
    ['mobile ', '2017-2020', '', false],
    ['mobile ', '2014-06-15', '', false],
    ['mobile ', '12345678', ' bytes', false],
    ['mobile ', '2147483648', '', false],
  ],
  ipv4: [
    ['', '84.23.101.7', '', true],
    ['oid ', '2.5.4.10', '', false],
    ['ip ', '2.5.4.10', '', true],
    ['', '2.5.4.10', '', true],
    ['at ', '8.8.8.8', ':53', true],
    ['', '256.1.1.1', '', false],
    ['', '127.0.0.1', '', false],
  ],
  'ipv4-loopback': [
    ['', '127.0.0.1', '', true],
    ['', '127.0.0.256', '', false],
  ],
  ipv6: [
    ['', '2001:db8::7', '', true],
    ['', 'fe80::1%eth0/64', '', true],
    ['', '::1', '', false],
    ['', '1:2:3', '', false],
  ],
  'ipv6-short': [
    ['', '::1/128', '', true],
    ['', '::g', '', false],
  ],
  mac: [
    ['', '3c:22:fb:4a:91:0e', '', true],
    ['', '00:00:00:00:00:00', '', false],
  ],
  'url-credentials': [
    ['ftp://', 'dora:kw7zebra', '@files.internal/x', true],
    ['https://', 'user:hunter2', '@host', true],
    ['https://', 'user:*****', '@host', false],
    ['https://', 'user:***', '@host', false],
    ['https://', 'user:pass', '@host', false],
    ['https://', 'admin:password', '@host', false],
    ['https://', 'user:secret', '@host', false],
    ['https://', 'me:your-token', '@host', false],
  ],
}

for (const [name, rows] of Object.entries(cases)) {
  test(`${name} tells what reaches somebody from what does not`, () => {
    for (const [before, value, after, holds] of rows) {
      const site = { text: before + value + after, start: before.length, end: before.length + value.length }
      assert.equal(contacts[name as keyof typeof contacts](value, site), holds, before + value + after)
    }
  })
}

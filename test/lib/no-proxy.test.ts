import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noProxy } from '../../src/lib/no-proxy.ts'

const cases: [entry: string, named: string[], others: string[]][] = [
  [
    'corp.test',
    ['corp.test:443', 'CORP.test:1', 'a.corp.test:443', 'a.b.corp.test.:443'],
    ['xcorp.test:443', 'test:443'],
  ],
  ['.corp.test', ['a.corp.test:443'], ['corp.test:443', 'xcorp.test:443']],
  ['*.Corp.Test', ['a.corp.test:443'], ['corp.test:443', 'xcorp.test:443']],
  ['corp.test.', ['corp.test:443'], ['corp.testing:443']],
  ['corp.test:8443', ['corp.test:8443', 'a.corp.test:8443'], ['corp.test:443']],
  ['.corp.test:8443', ['a.corp.test:8443'], ['corp.test:8443', 'a.corp.test:443']],
  ['192.0.2.7', ['192.0.2.7:443', '::ffff:192.0.2.7:443', '::ffff:c000:207:443'], ['192.0.2.8:443', 'a.test:443']],
  ['192.0.2.7:80', ['192.0.2.7:80'], ['192.0.2.7:443']],
  ['10.0.0.0/8', ['10.1.2.3:443'], ['11.0.0.1:443', 'a.test:443', '10.0.0.1.test:443']],
  ['10.0.0.0/8:80', ['10.1.2.3:80'], ['10.1.2.3:443']],
  ['2001:db8::/32', ['2001:db8::7:443', '2001:0DB8:0::7:443'], ['2001:db9::7:443']],
  ['2001:db8::7', ['2001:db8::7:443'], ['2001:db8::8:443']],
  ['[2001:db8::7]:8443', ['2001:db8::7:8443'], ['2001:db8::7:443']],
  ['[2001:db8::7]', ['2001:db8::7:443'], ['2001:db8::8:443']],
  ['*', ['a.test:443', '192.0.2.7:443', '::1:443'], []],
  ['*:80', ['a.test:80'], ['a.test:443']],
]
for (const [entry, named, others] of cases) {
  test(`${entry} names ${named.join(' ')}${others.length === 0 ? '' : `, not ${others.join(' ')}`}`, () => {
    const matches = noProxy(['other.example', entry])
    for (const target of named) assert.ok(matches(...split(target)), target)
    for (const target of others) assert.ok(!matches(...split(target)), target)
  })
}

test('no entries name nothing', () => {
  assert.equal(noProxy([])('a.test', 443), false)
})

for (const entry of [
  '',
  '.',
  '*.',
  'a..b',
  'a b',
  'http://a.test',
  'a.test:0',
  'a.test:65536',
  'a.test/8',
  '10.0.0.0/33',
  '[::1',
  'a*b.test',
  'a,b',
]) {
  test(`"${entry}" is not an entry`, () => {
    assert.throws(() => noProxy([entry]), RangeError)
  })
}

function split(target: string): [string, number] {
  const colon = target.lastIndexOf(':')
  return [target.slice(0, colon), Number(target.slice(colon + 1))]
}

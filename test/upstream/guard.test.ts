import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressSet } from '../../src/lib/ip.ts'
import { canonicalHost } from '../../src/proxy/target.ts'
import { addressGuard } from '../../src/upstream/guard.ts'

const none = addressSet([])
const guard = (addresses: readonly string[], allowed = none, resolve: [string, string][] = []) =>
  addressGuard({ resolve: new Map(resolve), allowed, lookup: async () => addresses })

test('a name goes to the addresses that it resolves to', async () => {
  assert.deepEqual(await guard(['93.184.215.14', '2606:2800:21f::1'])('a.test', 443), {
    addresses: ['93.184.215.14', '2606:2800:21f::1'],
    port: 443,
  })
})

for (const address of [
  '127.0.0.1',
  '10.1.2.3',
  '169.254.169.254',
  '192.168.0.1',
  '100.64.0.1',
  '0.0.0.0',
  '::1',
  'fe80::1',
  'fd00::1',
  '::ffff:127.0.0.1',
  '64:ff9b::7f00:1',
]) {
  test(`a name at ${address} is refused, and so is the address itself`, async () => {
    await assert.rejects(guard([address])('a.test', 443), { code: 'address_not_allowed' })
    await assert.rejects(guard([])(address, 443), { code: 'address_not_allowed' })
  })
}

test('one forbidden address among good ones refuses the name', async () => {
  await assert.rejects(guard(['93.184.215.14', '127.0.0.1'])('a.test', 443), { code: 'address_not_allowed' })
})

test('the operator may allow private networks', async () => {
  const allowed = addressSet(['10.0.0.0/8'])
  assert.deepEqual((await guard(['10.1.2.3'], allowed)('a.test', 443)).addresses, ['10.1.2.3'])
  await assert.rejects(guard(['10.1.2.3', '192.168.0.1'], allowed)('a.test', 443), { code: 'address_not_allowed' })
})

const fixed: [to: string, address: string, port: number][] = [
  ['127.0.0.1:8080', '127.0.0.1', 8080],
  ['127.0.0.1', '127.0.0.1', 443],
  ['[::1]:8080', '::1', 8080],
  ['[::1]', '::1', 443],
]
for (const [to, address, port] of fixed) {
  test(`a name that is resolved to ${to} goes there, unchecked`, async () => {
    const route = await guard(['10.0.0.1'], none, [['a.test:443', to]])('a.test', 443)
    assert.deepEqual(route, { addresses: [address], port })
    await assert.rejects(guard(['10.0.0.1'], none, [['a.test:443', to]])('a.test', 444), {
      code: 'address_not_allowed',
    })
  })
}

test('a name that does not resolve is told', async () => {
  await assert.rejects(addressGuard({ resolve: new Map(), allowed: none })('does-not-exist.invalid', 443), {
    code: 'name_not_resolved',
  })
})

const spellings: [what: string, hosts: string[]][] = [
  [
    'IPv4',
    [
      '127.0.0.1',
      '127.255.255.254',
      '10.0.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '169.254.169.254',
      '0.0.0.0',
      '0.1.2.3',
      '100.127.255.255',
      '192.0.0.8',
      '192.0.2.1',
      '198.19.0.1',
      '198.51.100.1',
      '203.0.113.1',
      '224.0.0.1',
      '255.255.255.255',
    ],
  ],
  [
    'IPv4 as a number, in octal, in hexadecimal, in short',
    [
      '2130706433',
      '0177.0.0.1',
      '017700000001',
      '0x7f.0.0.1',
      '0x7f000001',
      '0X7F000001',
      '127.1',
      '127.0.1',
      '0',
      '0x',
      '127.0.0.0x1',
      '127.0.0.01',
    ],
  ],
  ['IPv4 with a dot at the end, or more of them', ['127.0.0.1.', '127.0.0.1..', '.127.0.0.1']],
  [
    'digits and dots of other scripts',
    [
      '\u{FF11}\u{FF12}\u{FF17}.0.0.1',
      '127\u{3002}0\u{3002}0\u{3002}1',
      '127\u{FF0E}0.0.1',
      '127.0.0.\u{FF11}',
      '\u2460\u2461\u2466.0.0.1',
      '0\u{FF58}7f\u{3002}1',
      '\u{1D7CF}27.0.0.1',
    ],
  ],
  [
    'IPv6',
    [
      '[::1]',
      '[::]',
      '[0:0:0:0:0:0:0:1]',
      '[0000:0000:0000:0000:0000:0000:0000:0001]',
      '[fe80::1]',
      '[FEBF::1]',
      '[fd00::1]',
      '[fec0::1]',
      '[ff02::1]',
      '[2001:db8::1]',
      '[3fff::1]',
      '[5f00::1]',
      '[100::1]',
      '[100:0:0:1::1]',
    ],
  ],
  [
    'IPv4 in IPv6: mapped, compatible, translated',
    [
      '[::ffff:127.0.0.1]',
      '[::FFFF:7F00:1]',
      '[0:0:0:0:0:ffff:10.0.0.1]',
      '[::127.0.0.1]',
      '[::7f00:1]',
      '[::ffff:0:127.0.0.1]',
      '[::ffff:0:7f00:1]',
    ],
  ],
  [
    'IPv4 in IPv6: NAT64, 6to4, Teredo',
    [
      '[64:ff9b::127.0.0.1]',
      '[64:ff9b::7f00:1]',
      '[64:ff9b:1::1]',
      '[64:ff9b:1:ffff::8.8.8.8]',
      '[2002:7f00:1::]',
      '[2002:a9fe:a9fe::1]',
      '[2001:0:53aa:64c::1]',
    ],
  ],
  [
    'zones and broken brackets',
    ['[fe80::1%eth0]', '[fe80::1%25eth0]', '[::1', '::1]', '[127.0.0.1]', '[[::1]]', '[::1]x'],
  ],
  [
    'localhost',
    [
      'localhost',
      'LOCALHOST',
      'localhost.',
      'a.localhost',
      'A.LocalHost.',
      '\u{FF4C}ocalhost',
      'lo\u00ADcalhost',
      '\u24DBocalhost',
    ],
  ],
  ['what is no host', ['', '.', '..', 'a..b', '-a.test', 'a b', 'a@b', 'a/b', 'a\\b', 'a%2eb', 'a\u0000b', 'a:b']],
]
for (const [what, hosts] of spellings) {
  test(`${what}: no spelling gets past`, async () => {
    for (const carried of [false, true]) {
      const check = addressGuard({
        resolve: new Map(),
        allowed: none,
        carried: () => carried,
        // What a resolver of the system makes of such names, if it is asked.
        lookup: async () => ['127.0.0.1'],
      })
      for (const host of hosts) {
        const canonical = canonicalHost(host)
        if (canonical === undefined) continue
        await assert.rejects(check(canonical, 443), { code: 'address_not_allowed' }, `${host} as ${canonical}`)
      }
    }
  })
}

for (const host of [
  '8.8.8.8',
  '[2606:2800:21f::1]',
  '[64:ff9b::8.8.8.8]',
  '[2002:808:808::1]',
  '[::ffff:8.8.8.8]',
  '1.1.1.1.',
]) {
  test(`the public address ${host} may be dialled`, async () => {
    const { addresses } = await guard([])(canonicalHost(host) as string, 443)
    assert.equal(addresses.length, 1)
  })
}

const mixed: string[][] = [
  ['93.184.215.14', '10.0.0.1'],
  ['10.0.0.1', '93.184.215.14'],
  ['2606:2800:21f::1', '::ffff:10.0.0.1'],
  ['93.184.215.14', '2606:2800:21f::1', '64:ff9b::a00:1'],
  ['93.184.215.14', 'fe80::1%eth0'],
]
for (const addresses of mixed) {
  test(`a name at ${addresses.join(' and ')} is refused whole`, async () => {
    await assert.rejects(guard(addresses)('a.test', 443), { code: 'address_not_allowed' })
  })
}

test('a name is asked for once, and what it says later changes nothing; the next connection asks again', async () => {
  const answers = [['93.184.215.14'], ['127.0.0.1'], ['93.184.215.15']]
  let asked = 0
  const changing = addressGuard({ resolve: new Map(), allowed: none, lookup: async () => answers[asked++] ?? [] })
  assert.deepEqual((await changing('a.test', 443)).addresses, ['93.184.215.14'])
  assert.equal(asked, 1)
  await assert.rejects(changing('a.test', 443), { code: 'address_not_allowed' })
  assert.deepEqual((await changing('a.test', 443)).addresses, ['93.184.215.15'])
})

test('a resolver that does not answer is given up in time', async () => {
  const hanging = addressGuard({
    resolve: new Map(),
    allowed: none,
    lookupTimeoutMs: 20,
    lookup: () => new Promise(() => undefined),
  })
  await assert.rejects(hanging('a.test', 443), { code: 'upstream_timeout', message: 'a.test is not resolved in 20 ms' })
})

test('what a parent carries is not resolved', async () => {
  const carrying = addressGuard({
    resolve: new Map([['a.test:443', '127.0.0.1:9']]),
    allowed: none,
    carried: (host) => host !== 'direct.test',
    lookup: () => Promise.reject(new Error('asked')),
  })
  assert.deepEqual(await carrying('a.test', 443), { addresses: [], port: 443, carried: true })
  assert.deepEqual(await carrying('8.8.8.8', 443), { addresses: ['8.8.8.8'], port: 443, carried: true })
  await assert.rejects(carrying('direct.test', 443), /asked/)
})

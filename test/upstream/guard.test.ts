import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressSet } from '../../src/lib/ip.ts'
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

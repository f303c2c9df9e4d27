import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import * as der from '../../src/lib/der.ts'

const values: [what: string, node: der.Asn1, hex: string][] = [
  ['true', der.boolean(true), '0101ff'],
  ['a small integer', der.integer(5), '020105'],
  ['an integer whose first bit is set', der.integer(Uint8Array.of(0x80)), '02020080'],
  ['an integer with zeros in front', der.integer(Uint8Array.of(0, 0, 1)), '020101'],
  ['zero', der.integer(Uint8Array.of(0)), '020100'],
  ['null', der.nothing(), '0500'],
  ['an object identifier', der.oid('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
  ['bits', der.bits(Uint8Array.of(0x80), 7), '03020780'],
  ['a UTF-8 string', der.utf8('é'), '0c02c3a9'],
  ['a UTF-16 string', der.bmp('ab'), '1e0400610062'],
  ['nested constructed values', der.sequence(der.set(der.octets(Uint8Array.of(1)))), '30053103040101'],
  ['tags', der.sequence(der.tagged(3, der.integer(2)), der.taggedBytes(2, Buffer.from('a'))), '3008a303020102820161'],
  ['a time before 2050', der.time(Date.UTC(2049, 11, 31, 23, 59, 59, 999)), '170d3439313233313233353935395a'],
  ['a time after 2049', der.time(Date.UTC(2050, 0, 1)), '180f32303530303130313030303030305a'],
  ['a long value', der.octets(Buffer.alloc(300)), `0482012c${'00'.repeat(300)}`],
]

for (const [what, node, hex] of values) {
  test(`${what} is encoded as DER says`, () => {
    assert.equal(der.encodeDer(node).toString('hex'), hex)
    assert.equal(der.encodeDer(der.decodeDer(Buffer.from(hex, 'hex'))).toString('hex'), hex)
  })
}

test('a bit string that holds DER itself is left as bytes', () => {
  const inner = der.encodeDer(der.sequence(der.integer(1)))
  const node = der.decodeDer(der.encodeDer(der.bits(inner)))
  assert.deepEqual(der.bytesOf(node), Buffer.concat([Buffer.from([0]), inner]))
  assert.deepEqual(der.childrenOf(node), [])
})

test('an object identifier is read back, and other values have none', () => {
  assert.equal(der.oidOf(der.decodeDer(Buffer.from('0603551d1e', 'hex'))), '2.5.29.30')
  assert.equal(der.oidOf(der.integer(1)), undefined)
  assert.equal(der.oidOf(undefined), undefined)
})

test('bytes that are not exactly one value are refused', () => {
  for (const hex of ['', '30', '3005020101', '0201', '02010500']) {
    assert.throws(() => der.decodeDer(Buffer.from(hex, 'hex')), Error, hex)
  }
})

test('random bytes either decode or throw an error, and what decodes encodes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        der.encodeDer(der.decodeDer(bytes))
      } catch (thrown) {
        assert.ok(thrown instanceof Error && !(thrown instanceof TypeError))
      }
    }),
    { numRuns: 500 },
  )
})

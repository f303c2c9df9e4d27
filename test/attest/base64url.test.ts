import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodedBase64url } from '../../src/attest/base64url.ts'

test('what encoding gives comes back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      const decoded = decodedBase64url(Buffer.from(bytes).toString('base64url'))
      assert.deepEqual(decoded, Buffer.from(bytes))
    }),
  )
})

test('there is no second spelling', () => {
  const bad = ['QQ==', 'QQ=', 'QR', 'QUE=', 'QUF', 'Q', 'QUFB\n', ' QUFB', 'QU FB', '+w', '/w', 'QUF\u00e4', 'QUFB.']
  for (const text of bad) assert.equal(decodedBase64url(text), undefined, JSON.stringify(text))
})

test('two texts that are taken and differ are different bytes', () => {
  const text = fc.string({ unit: fc.constantFrom(...'AQgw_-9z'), maxLength: 6 })
  fc.assert(
    fc.property(text, text, (a, b) => {
      const [left, right] = [decodedBase64url(a), decodedBase64url(b)]
      if (a !== b && left !== undefined && right !== undefined) assert.notDeepEqual(left, right)
    }),
    { numRuns: 1_000 },
  )
})

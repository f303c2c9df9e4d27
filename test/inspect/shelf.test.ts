import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createSeal } from '../../src/inspect/shelf.ts'

const seal = createSeal(Buffer.alloc(32, 1))

test('what is sealed is opened by the same key for the same placeholder only, and is not seen', () => {
  const sealed = seal.close('QX_EMAIL_a', 'ann@example.org')
  assert.equal(seal.open('QX_EMAIL_a', sealed), 'ann@example.org')
  assert.equal(createSeal(Buffer.alloc(32, 1)).open('QX_EMAIL_a', sealed), 'ann@example.org')
  assert.equal(seal.open('QX_EMAIL_b', sealed), undefined)
  assert.equal(createSeal(Buffer.alloc(32, 2)).open('QX_EMAIL_a', sealed), undefined)
  assert.ok(!Buffer.from(sealed).includes('ann'))
})

test('any bytes are opened to nothing rather than to something else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => assert.equal(seal.open('QX_EMAIL_a', bytes), undefined)),
  )
})

test('any text comes back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.equal(seal.open('p', seal.close('p', text)), text.toWellFormed())
    }),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { viaAfter } from '../../src/proxy/via.ts'

const ids = Array.from({ length: 9 }, (_, i) => `${i}`.repeat(16))
const [own = '', other = '', third = ''] = ids

test('the way that a request has come grows by us', () => {
  assert.equal(viaAfter([], own), own)
  assert.equal(viaAfter(['Sallyport-Via', other], own), `${other}, ${own}`)
  assert.equal(viaAfter(['sallyport-via', `${other} ,${third}`], own), `${other}, ${third}, ${own}`)
  assert.equal(viaAfter(['Sallyport-Via', other, 'Sallyport-Via', third], own), `${other}, ${third}, ${own}`)
})

test('what has been here before, or nearly everywhere, is refused', () => {
  for (const value of [own, `${other}, ${own}`, `${own},${other}`, ids.slice(1).join(',')]) {
    assert.throws(() => viaAfter(['Sallyport-Via', value], own), { code: 'loop_detected' }, value)
  }
})

test('what is no id is not passed on', () => {
  assert.equal(viaAfter(['Sallyport-Via', `x, ${'a'.repeat(17)}, ${other}, evil\u0001`], own), `${other}, ${own}`)
})

test('who has no id tells nothing', () => {
  assert.equal(viaAfter(['Sallyport-Via', other], undefined), undefined)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deviceSettings } from '../../src/access/device-settings.ts'

const least = { id: 'a', notBefore: '2026-01-01T00:00:00.000Z', expires: '2026-01-02T00:00:00.000Z' }

test('what is not said is no owner and no policies of its own', () => {
  assert.deepEqual(deviceSettings.parse(least), { ...least, owner: null, policies: [] })
})

const good: [what: string, over: object][] = [
  ['all characters of an id', { id: 'Az09._-' }],
  ['the longest id', { id: 'x'.repeat(64) }],
  ['digests', { policies: ['0a'.repeat(32), 'any'] }],
  ['an owner in another script', { owner: 'Jürgen 李' }],
]

for (const [what, over] of good)
  test(`settings of a device may have ${what}`, () => void deviceSettings.parse({ ...least, ...over }))

const wrong: [what: string, over: object][] = [
  ['no id', { id: '' }],
  ['an id that begins with a dot', { id: '.a' }],
  ['an id with a slash', { id: 'a/b' }],
  ['an id with a line end', { id: 'a\n' }],
  ['an id with another letter', { id: 'ä' }],
  ['an id that is too long', { id: 'x'.repeat(65) }],
  ['an empty owner', { owner: '' }],
  ['an owner with a control character', { owner: 'a\u001Bb' }],
  ['an empty digest', { policies: [''] }],
  ['a digest with a space', { policies: ['a b'] }],
  ['a digest that is too long', { policies: ['0'.repeat(129)] }],
  ['too many digests', { policies: Array.from({ length: 101 }, () => '00'.repeat(32)) }],
  ['no expiry', { expires: undefined }],
  ['an expiry without milliseconds', { expires: '2026-01-02T00:00:00Z' }],
  ['an end before the beginning', { expires: '2025-01-02T00:00:00.000Z' }],
  ['an end at the beginning', { expires: least.notBefore }],
  ['something unknown', { other: 1 }],
]

for (const [what, over] of wrong)
  test(`settings of a device may not have ${what}`, () =>
    assert.equal(deviceSettings.safeParse({ ...least, ...over }).success, false))

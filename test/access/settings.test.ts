import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keySettings, limitNames } from '../../src/access/settings.ts'

test('a name is enough: nothing else is restricted', () => {
  assert.deepEqual(keySettings.parse({ name: 'ci' }), {
    name: 'ci',
    owner: null,
    models: [],
    limits: {},
    allow: [],
    systemPrompt: null,
    expires: null,
  })
})

test('each limit is a number above nothing; only money may be a fraction', () => {
  for (const limit of limitNames) {
    const fits = (value: unknown): boolean => keySettings.safeParse({ name: 'ci', limits: { [limit]: value } }).success
    assert.equal(fits(5), true, limit)
    assert.equal(fits(0.5), limit.startsWith('usd'), limit)
    for (const wrong of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '5', null])
      assert.equal(fits(wrong), false, `${limit} ${wrong}`)
  }
})

test('a name is kept in composed form', () => {
  assert.equal(keySettings.parse({ name: 'Zoe\u0308' }).name, 'Zo\u00EB')
})

const wrong: [what: string, settings: object][] = [
  ['no name', {}],
  ['an empty name', { name: '' }],
  ['a name with a colon, which would end it in credentials', { name: 'a:b' }],
  ['a name with a line feed', { name: 'a\nb' }],
  ['a name that turns the direction of text', { name: 'a\u202Eb' }],
  ['a name with a space at its end', { name: 'ci ' }],
  ['a name too long', { name: 'n'.repeat(129) }],
  ['a network that is none', { name: 'ci', allow: ['10.0.0.0/33'] }],
  ['an empty network', { name: 'ci', allow: [''] }],
  ['an empty model', { name: 'ci', models: [''] }],
  ['an unknown limit', { name: 'ci', limits: { rpy: 1 } }],
  ['a time without milliseconds', { name: 'ci', expires: '2027-01-01T00:00:00Z' }],
  ['an unknown setting', { name: 'ci', admin: true }],
]

for (const [what, settings] of wrong) {
  test(`${what} is refused`, () => assert.equal(keySettings.safeParse(settings).success, false))
}

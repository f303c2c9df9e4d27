import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodings, encodedFrom } from '../../src/detect/encoded.ts'
import { loadPacks, packsFolder, ruleBook } from '../../src/detect/index.ts'

const secrets = ruleBook(loadPacks([packsFolder()])).choose({ types: ['SECRET', 'EMAIL'] })
const key = 'AKIAQ3EGTSK7DYM4XWZN'
const sentence = `please use ${key} for the upload`

const spellings: [how: string, spell: (text: string) => string][] = [
  ['base64', (text) => Buffer.from(text).toString('base64')],
  ['base64url', (text) => Buffer.from(text).toString('base64url')],
  ['hexadecimal', (text) => Buffer.from(text).toString('hex')],
  ['capital hexadecimal', (text) => Buffer.from(text).toString('hex').toUpperCase()],
  ['percent-encoding', (text) => text.replace(/[^a-z]/g, (char) => `%${char.charCodeAt(0).toString(16)}`)],
  ['base64 of base64', (text) => Buffer.from(Buffer.from(text).toString('base64')).toString('base64')],
  ['percent-encoded base64', (text) => encodeURIComponent(Buffer.from(`${text}?`).toString('base64'))],
]

for (const [how, spell] of spellings) {
  test(`a key in ${how} is found where it is spelled`, () => {
    const text = `see ${spell(sentence)} there`
    const [match, ...more] = secrets.find(text)
    assert.equal(match?.type, 'SECRET:aws-access-key')
    assert.deepEqual(more, [])
    assert.ok(match.start >= 4 && match.end <= text.length - 6)
    const without = text.slice(0, match.start) + text.slice(match.end)
    assert.deepEqual(secrets.find(without), [])
  })

  test(`a stretch of ${how} that is still coming is held back`, () => {
    const text = `see ${spell(sentence)}`
    const [match] = secrets.find(text)
    assert.ok(match !== undefined)
    for (let end = match.start + 1; end <= match.end; end++) {
      const pending = secrets.pendingFrom(text.slice(0, end))
      const known = secrets.find(text.slice(0, end)).some((one) => one.start <= match.start && one.end >= match.end)
      assert.ok(pending <= match.start || known, `${end}: ${pending}`)
    }
  })
}

test('what nobody could read is not decoded: keys, hashes, identifiers, words, images', () => {
  const texts = [
    randomBytes(600).toString('base64'),
    randomBytes(32).toString('hex'),
    'someRatherLongIdentifierInCamelCase',
    '0123456789abcdef0123456789abcdef01234567',
    'the quick brown fox jumps over the lazy dog, internationalization',
    '3fa85f64-5717-4562-b3fc-2c963f66afa6',
    '100% of 30% is %zz',
  ]
  for (const text of texts) assert.deepEqual([...decodings(text)], [], text)
})

test('places are those of the spelling, for every text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 20, maxLength: 80 }), (inner) => {
      for (const form of decodings(`"${Buffer.from(inner).toString('base64')}"`)) {
        assert.ok(form !== undefined)
        assert.equal(form.startOf(0), 1)
        assert.ok(inner.startsWith(form.text))
        for (let i = 0; i <= form.text.length; i++) assert.ok(form.endOf(i) >= form.startOf(Math.max(0, i - 1)))
      }
    }),
  )
})

test('places far inside long text of several bytes are those of its spelling', () => {
  const inner = 'naïve 漢字 😀 '.repeat(200)
  const [form] = decodings(Buffer.from(inner).toString('base64'))
  assert.equal(form?.text, inner)
  for (let i = 0; i < inner.length; i += 7) {
    const bytes = Buffer.byteLength(inner.slice(0, i))
    if (/[\ud800-\udbff]$/.test(inner.slice(0, i))) continue
    assert.equal(form.startOf(i), Math.floor(bytes / 3) * 4)
  }
})

test('others have their turn where much is tried in vain', () => {
  for (const vain of ['eJwAAAAAAAAAAAAAAAAAAAAA ', 'H4sIAAAAAAAAAAAAAAAAAAAA ']) {
    const steps = [...decodings(vain.repeat(400))]
    assert.ok(steps.length >= 20 && steps.every((one) => one === undefined), `${steps.length}`)
  }
})

test('any text has an end, and what is pending is in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'aQ=%2fF+ /é'), maxLength: 200 }), (text) => {
      const from = encodedFrom(text)
      assert.ok(from >= 0 && from <= text.length)
      for (const form of decodings(text)) assert.ok(form && form.endOf(form.text.length) <= text.length)
    }),
  )
})

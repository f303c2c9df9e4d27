import assert from 'node:assert/strict'
import test from 'node:test'
import { inspect } from 'node:util'
import * as fc from 'fast-check'
import type { Shelf } from '../../src/inspect/shelf.ts'
import { createVault, vaultKeyFor } from '../../src/inspect/tokens.ts'

const key = Buffer.alloc(32, 7)
const vaultOf = (maxEntries = 100) => createVault({ key, maxEntries })

test('the same value has the same placeholder in every vault with the same key', () => {
  const placeholder = vaultOf().placeholderFor('EMAIL', 'ann@example.org')
  assert.equal(vaultOf().placeholderFor('EMAIL', 'ann@example.org'), placeholder)
  assert.notEqual(vaultOf().placeholderFor('EMAIL', 'bob@example.org'), placeholder)
  assert.notEqual(vaultOf().placeholderFor('PHONE', 'ann@example.org'), placeholder)
})

test('tenants have different placeholders for the same value', () => {
  const a = createVault({ key: vaultKeyFor(key, 'a'), maxEntries: 10 })
  const b = createVault({ key: vaultKeyFor(key, 'b'), maxEntries: 10 })
  const placeholder = a.placeholderFor('EMAIL', 'ann@example.org')
  assert.notEqual(b.placeholderFor('EMAIL', 'ann@example.org'), placeholder)
  assert.deepEqual(b.restore(placeholder), { text: placeholder, restored: 0, unknown: 1 })
})

const types = [
  'EMAIL',
  'CREDIT_CARD',
  'SECRET:aws-access-key',
  'KEYWORD:Ünïcode "list"',
  '::',
  'a-very-long-type-name-indeed',
  'QX_QX',
  '9',
]

for (const type of types) {
  test(`a placeholder for ${JSON.stringify(type)} is short, plain and found next to anything`, () => {
    const vault = vaultOf()
    const placeholder = vault.placeholderFor(type, 'value')
    assert.match(placeholder, /^QX_[A-Z0-9][A-Z0-9_]*_[a-z][a-z0-9]{13}$/)
    assert.ok(placeholder.length <= 34)
    for (const [before, after] of [
      ['', ''],
      ['x', 'y'],
      ['9', '0'],
      ['QX_', 'z9'],
      ['EMAIL_', '_a'],
      ['QX_A_', 'QX_'],
      ['Q', 'Q'],
    ]) {
      const restored = vault.restore(`${before}${placeholder}${after}`)
      assert.deepEqual([restored.text, restored.restored], [`${before}value${after}`, 1])
    }
    assert.equal(vault.restore(placeholder + placeholder).text, 'valuevalue')
  })
}

test('a type keeps its name readable in the placeholder', () => {
  assert.match(vaultOf().placeholderFor('CREDIT_CARD', '4'), /^QX_CREDIT_CARD_/)
  assert.match(vaultOf().placeholderFor('SECRET:aws-access-key', '4'), /^QX_SECRET_[a-z]/)
})

test('originals are spelled as asked', () => {
  const vault = vaultOf()
  const placeholder = vault.placeholderFor('EMAIL', 'say "hi"\n')
  const { text } = vault.restore(`{"a":"${placeholder}"}`, (original) => JSON.stringify(original).slice(1, -1))
  assert.deepEqual(JSON.parse(text), { a: 'say "hi"\n' })
})

test('a changed placeholder is left and counted', () => {
  const vault = vaultOf()
  const placeholder = vault.placeholderFor('EMAIL', 'ann@example.org')
  const last = placeholder.at(-1) === 'a' ? 'b' : 'a'
  for (const changed of [
    placeholder.slice(0, -1) + last,
    placeholder.slice(0, -1),
    placeholder.replace('EMAIL', 'EMAILS'),
  ]) {
    assert.deepEqual(vault.restore(`see ${changed}.`), { text: `see ${changed}.`, restored: 0, unknown: 1 })
  }
})

test('what only resembles a placeholder is not counted', () => {
  const vault = vaultOf()
  for (const text of [
    'QX_',
    'QX_EMAIL',
    'QX_EMAIL_',
    'QX_EMAIL_abc',
    'QX_email_abcdefghjkmnpq',
    'a QX_ b',
    'QX__abcdefghjkmnpqr',
  ]) {
    assert.equal(vault.restore(text).unknown, 0, text)
  }
})

test('the values used longest ago are forgotten, and their placeholders still known as ours', () => {
  const vault = vaultOf(2)
  const [a, b, c] = ['a', 'b', 'c'].map((value) => vault.placeholderFor('T', value)) as [string, string, string]
  assert.equal(vault.size(), 2)
  assert.deepEqual(vault.restore(a + b + c), { text: `${a}bc`, restored: 2, unknown: 1 })
  assert.deepEqual(
    vault.placeholders(a).map((one) => one.ours),
    [true],
  )
})

test('a value too long to keep has a placeholder that cannot be undone, and nothing is left of it', () => {
  const vault = vaultOf(2)
  const placeholder = vault.placeholderFor('T', 'x'.repeat(10_000))
  assert.equal(vault.size(), 0)
  assert.equal(vault.restore(placeholder).unknown, 1)
})

test('a vault shows nothing when it is printed', () => {
  const vault = vaultOf()
  vault.placeholderFor('EMAIL', 'ann@example.org')
  for (const shown of [inspect(vault, { depth: 9, showHidden: true }), JSON.stringify({ vault }), String(vault)]) {
    assert.ok(!shown.includes('ann@'), shown)
  }
})

test('a key of another length is refused', () => {
  assert.throws(() => createVault({ key: Buffer.alloc(16), maxEntries: 1 }), RangeError)
})

test('every beginning of a placeholder is pending from its start, and a whole one is not', () => {
  const vault = vaultOf()
  for (const type of types) {
    const placeholder = vault.placeholderFor(type, 'value')
    for (let i = 1; i < placeholder.length; i++) {
      const text = `some words Q ${placeholder.slice(0, i)}`
      assert.equal(vault.pendingFrom(text), 'some words Q '.length, text)
    }
    assert.equal(vault.pendingFrom(placeholder), placeholder.length)
  }
})

test('text with no beginning of a placeholder at its end is not pending', () => {
  const vault = vaultOf()
  for (const text of ['', 'Quite', 'a QX b', 'QX_email', `QX_${'A'.repeat(17)}`, 'EMAIL_'].filter(
    (one) => one !== 'QX',
  )) {
    assert.equal(vault.pendingFrom(text), text.length, text)
  }
  assert.equal(vault.pendingFrom('a QX'), 2)
})

test('what is before the pending place never changes by what follows', () => {
  const vault = vaultOf()
  const samples = [
    ...types.map((type) => vault.placeholderFor(type, 'value')),
    'QX_',
    'Q',
    'QX_EMAIL_',
    'a',
    '_',
    'Z9',
    ' ',
  ]
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...samples), { maxLength: 6 }), fc.nat(200), (words, at) => {
      const text = words.join('')
      const cut = text.slice(0, Math.min(at, text.length))
      const settled = vault.pendingFrom(cut)
      const expected = vault.placeholders(text).filter((one) => one.start < settled)
      assert.deepEqual(
        vault.placeholders(cut.slice(0, cut.length)).filter((one) => one.start < settled),
        expected,
      )
    }),
    { numRuns: 2_000 },
  )
})

test('a vault finds on the shelf what another with its key put there, and nobody else can', () => {
  const kept = new Map<string, Uint8Array>()
  const shelf: Shelf = {
    put: (placeholder, sealed) => void kept.set(placeholder, sealed),
    find: (placeholder) => kept.get(placeholder),
    empty: () => kept.size === 0,
  }
  const vaultWith = (tenant: string) => createVault({ key: vaultKeyFor(key, tenant), maxEntries: 10, shelf })
  assert.equal(vaultWith('a').size(), 0)
  const placeholder = vaultWith('a').placeholderFor('EMAIL', 'ann@example.org')
  const later = vaultWith('a')
  assert.ok(later.size() > 0)
  assert.equal(later.restore(`to ${placeholder}!`).text, 'to ann@example.org!')
  kept.set(placeholder, Buffer.from('something else'))
  assert.equal(later.restore(placeholder).text, 'ann@example.org')
  assert.equal(vaultWith('a').restore(placeholder).restored, 0)
  assert.equal(vaultWith('b').restore(placeholder).restored, 0)
  assert.ok(![...kept.values()].some((sealed) => Buffer.from(sealed).includes('ann')))
})

const changes: [what: string, change: (placeholder: string) => string][] = [
  ['in lower case', (one) => one.toLowerCase()],
  ['in upper case', (one) => one.toUpperCase()],
  ['with escaped underscores', (one) => one.replaceAll('_', '\\_')],
  ['with blanks', (one) => one.replaceAll('_', ' ')],
  ['with hyphens', (one) => one.replaceAll('_', '-')],
  ['in full width', (one) => one.replace(/[!-~]/g, (char) => String.fromCharCode(char.charCodeAt(0) + 0xfee0))],
  ['cut short', (one) => one.slice(0, -3)],
]
for (const [what, change] of changes) {
  test(`a placeholder ${what} is left as it is, and counted`, () => {
    const vault = vaultOf()
    for (const type of ['EMAIL', 'CREDIT_CARD']) {
      const changed = change(vault.placeholderFor(type, 'value'))
      for (const around of [`see ${changed}.`, `(${changed})`, `**${changed}**, and`]) {
        assert.deepEqual(vault.restore(around), { text: around, restored: 0, unknown: 1 })
      }
    }
  })
}

test('what only looks like a placeholder spelled anew is not counted', () => {
  const vault = vaultOf()
  vault.placeholderFor('EMAIL', 'value')
  for (const text of ['qx_email_k7q2m9xd4rtwz8', 'QX email address book entries', 'Qx-2000 model abcdefghijklmn']) {
    assert.deepEqual(vault.restore(text), { text, restored: 0, unknown: 0 })
  }
})

for (const around of ['**#**', '`#`', '_#_', '[#](mailto:#)', '"#"', '<#>', '| # |', '\\#', 'x#9', '#,#']) {
  test(`a placeholder in ${around} becomes the value`, () => {
    const vault = vaultOf()
    const placeholder = vault.placeholderFor('EMAIL', 'value')
    assert.equal(vault.restore(around.replaceAll('#', placeholder)).text, around.replaceAll('#', 'value'))
  })
}

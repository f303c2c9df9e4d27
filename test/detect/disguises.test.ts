import assert from 'node:assert/strict'
import { deflateSync, gzipSync } from 'node:zlib'
import { test } from 'node:test'
import fc from 'fast-check'
import { ruleBook } from '../../src/detect/rule-book.ts'
import { packs } from '../support/packs.ts'

const book = ruleBook(packs)
const rules = book.choose({ packs: ['secrets', 'pii'] })
const values: { readonly [kind: string]: string } = {
  'SECRET:aws-access-key': 'AKIAQ3EGTSK7DYM4XWZN',
  'SECRET:github-token': 'ghp_q8Zr3mVt0Lx7K2bWcY9dJ5nHs1Tf4UaP6eRi',
  EMAIL: 'dora.lind@north-hill.org',
  CREDIT_CARD: '4539578763621486',
  IBAN: 'DE89370400440532013000',
}
const keys = ['SECRET:aws-access-key', 'SECRET:github-token']
const everything = Object.keys(values)
const numbers = ['CREDIT_CARD']

const hex = (char: string): string => char.charCodeAt(0).toString(16)
const each = (spell: (char: string) => string) => (value: string) => Array.from(value, spell).join('')
const between = (joint: string) => (value: string) => [...value].join(joint)
const inTwo = (joint: string) => (value: string) => `${value.slice(0, 9)}${joint}${value.slice(9)}`
const base64 = (value: string): string => Buffer.from(value).toString('base64')
const pairs = (value: string): string[] => [...value].map(hex)
const cyrillic: { readonly [char: string]: string } = {
  A: 'А',
  K: 'К',
  I: 'І',
  E: 'Е',
  M: 'М',
  c: 'с',
  e: 'е',
  o: 'о',
  a: 'а',
  p: 'р',
}
const base32 = (value: string): string => {
  const bits = Array.from(Buffer.from(value), (byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.charAt(Number.parseInt(five.padEnd(5, '0'), 2)))
    .join('')
}

const disguises: [what: string, spell: (value: string) => string, kinds: readonly string[]][] = [
  ['JSON escapes', each((char) => `\\u00${hex(char)}`), everything],
  ['JSON escapes, escaped again', each((char) => `\\\\u00${hex(char)}`), everything],
  ['an escape of the first character', (value) => `\\u00${hex(value.charAt(0))}${value.slice(1)}`, everything],
  ['an escape of the last character', (value) => `${value.slice(0, -1)}\\u00${hex(value.slice(-1))}`, everything],
  ['escapes with braces', each((char) => `\\u{${hex(char)}}`), everything],
  ['hexadecimal escapes', each((char) => `\\x${hex(char)}`), everything],
  ['octal escapes', each((char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`), everything],
  ['HTML entities', each((char) => `&#x${hex(char)};`), everything],
  ['decimal HTML entities', each((char) => `&#${char.charCodeAt(0)};`), everything],
  ['percent-encoding', each((char) => `%${hex(char)}`), everything],
  ['percent-encoding of percent-encoding', each((char) => `%25${hex(char)}`), everything],
  ['quoted-printable', each((char) => `=${hex(char).toUpperCase()}`), everything],
  ['a soft line break', inTwo('=\r\n'), keys],
  ['base64', base64, everything],
  ['base64 of base64', (value) => base64(base64(value)), everything],
  ['base64 of UTF-16', (value) => Buffer.from(value, 'utf16le').toString('base64'), everything],
  ['base64 of gzip', (value) => gzipSync(value).toString('base64'), everything],
  ['base64 of zlib', (value) => deflateSync(value).toString('base64'), everything],
  ['base32', base32, everything],
  ['hexadecimal digits', (value) => pairs(value).join(''), everything],
  ['hexadecimal pairs', (value) => pairs(value).join(' '), everything],
  ['hexadecimal pairs with colons', (value) => pairs(value).join(':'), everything],
  [
    'a list of bytes',
    (value) =>
      pairs(value)
        .map((pair) => `0x${pair}`)
        .join(', '),
    everything,
  ],
  ['base64 in hexadecimal digits', (value) => pairs(base64(value)).join(''), everything],
  ['full-width characters', each((char) => String.fromCharCode(char.charCodeAt(0) + 0xfee0)), everything],
  [
    'Cyrillic look-alikes',
    each((char) => cyrillic[char] ?? char),
    ['SECRET:aws-access-key', 'SECRET:github-token', 'EMAIL'],
  ],
  [
    'Arabic-Indic digits',
    each((char) => (/\d/.test(char) ? String.fromCharCode(0x660 + Number(char)) : char)),
    everything,
  ],
  [
    'Devanagari digits',
    each((char) => (/\d/.test(char) ? String.fromCharCode(0x966 + Number(char)) : char)),
    everything,
  ],
  [
    'mathematical digits',
    each((char) => (/\d/.test(char) ? String.fromCodePoint(0x1d7ce + Number(char)) : char)),
    everything,
  ],
  ['zero-width spaces', between('\u200b'), everything],
  ['soft hyphens', between('\u00ad'), everything],
  ['variation selectors', between('\ufe0f'), everything],
  ['bidi controls', between('\u2066'), everything],
  ['tags in between', between('\u{e0041}'), everything],
  ['combining marks', each((char) => `${char}\u0336\u0301`), everything],
  ['accents', each((char) => (/[aeiouAEIOUcn]/.test(char) ? `${char}\u0301`.normalize('NFC') : char)), keys],
  ['tag characters', each((char) => String.fromCodePoint(0xe0000 + char.charCodeAt(0))), everything],
  ['two lines', inTwo('\n'), keys],
  ['two lines with indentation', inTwo('\r\n      '), keys],
  ['two lines of a quoted mail', inTwo('\n> '), keys],
  ['two lines of a shell', inTwo('\\\n  '), keys],
  ['an escaped line break', inTwo('\\n'), keys],
  ['two strings', inTwo('" + "'), keys],
  ['two strings in two lines', inTwo("' +\n    '"), keys],
  ['two strings within a string', inTwo('\\" + \\"'), keys],
  ['groups', (value) => (value.match(/.{1,4}/g) ?? []).join(' '), ['SECRET:aws-access-key', 'CREDIT_CARD', 'IBAN']],
  ['characters apart', between(' '), everything],
  ['characters with dots between', between('.'), [...keys, 'CREDIT_CARD']],
  [
    'a number over two lines',
    (value) => `${value.slice(0, 4)} ${value.slice(4, 8)}\n${value.slice(8, 12)} ${value.slice(12)}`,
    numbers,
  ],
]

for (const [what, spell, kinds] of disguises) {
  test(`a value in ${what} is found, all of it and nothing more`, () => {
    for (const kind of kinds) {
      const spelled = spell(values[kind] as string)
      for (const [before, after] of [
        ['please use ', ' for it'],
        ['the number is ', ''],
        ['see (the one of ', ')'],
      ] as const) {
        const text = `${before}${spelled}${after}`
        const found = rules.find(text)
        const place = { type: kind, start: before.length, end: before.length + spelled.length }
        assert.deepEqual(
          found.map(({ type, start, end }) => ({ type, start, end })),
          [place],
          text,
        )
      }
    }
  })

  test(`a value in ${what} that is still coming is held back`, () => {
    for (const kind of kinds) {
      const text = `please use ${spell(values[kind] as string)} for it`
      for (let cut = 12; cut <= text.length; cut++) assertHeld(text, cut)
    }
  })
}

test('a text in slices of any length gives the same', () => {
  const reader = rules.shared?.readerFor([rules.digest])
  fc.assert(
    fc.property(disguisedText(), fc.integer({ min: 1, max: 500 }), (text, step) => {
      const reading = reader?.(text, '')
      while (reading?.advance(step) === true) continue
      assert.deepEqual(reading?.found()[0], rules.find(text))
    }),
    { numRuns: 80 },
  )
})

test('what is found in a text was held back at every cut', () => {
  fc.assert(
    fc.property(disguisedText(), fc.nat(), (text, cut) => {
      assertHeld(text, cut % (text.length + 1))
    }),
    { numRuns: 250 },
  )
})

test('no place is in the midst of a character, and none outside of the text', () => {
  const unit = fc.constantFrom(
    '\\u00',
    '4',
    '%',
    '&#x',
    ';',
    '=',
    '\n',
    '"',
    ' + ',
    'AKIA',
    'Q3EG',
    'А',
    '\u0301',
    '😀',
    '\u{e0041}',
    '0x41, ',
    ' ',
    'S0s=',
  )
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 60 }), (units) => {
      const text = units.join('')
      const pending = rules.pendingFrom(text)
      assert.ok(pending >= 0 && pending <= text.length)
      for (const { start, end } of rules.find(text)) {
        assert.ok(start >= 0 && start < end && end <= text.length)
        for (const place of [start, end])
          assert.ok(!/^[\udc00-\udfff]/.test(text.slice(place)) || !/[\ud800-\udbff]$/.test(text.slice(0, place)))
      }
    }),
  )
})

test('what only looks like a disguise gives nothing', () => {
  const texts = [
    'const total = items.reduce((a, b) => a + b, 0) // 100% of &all; \\u{',
    'a b c d e f g h i j k l m n o p q r s t u v w x y z',
    '1 2 3 5 8 13 21 34 55 89 144 233 377 610 987 1597 2584',
    'one\n12345678\n90123456\n78901234\n56789012',
    'Привет, мир: 4 111 руб., АКІА и ОООТЕСТ',
    'sha512-q8Zr3mVt0Lx7K2bWcY9dJ5nHs1Tf4UaP6eRiq8Zr3mVt0Lx7K2bWcY9dJ5nHs1Tf4UaP6eRiAAAAAAAAAA==',
    'AKIA\nThe beginning of such keys',
    'keys begin with ghp_ and Then forty characters of Base62 follow',
  ]
  for (const text of texts) assert.deepEqual(rules.find(text), [], text)
})

function disguisedText(): fc.Arbitrary<string> {
  const words = fc.constantFrom('please use ', 'Ключ: ', '{"a":"', 'x = ', '', 'ok, 42 ', '> ')
  const after = fc.constantFrom(' now', '"}', '\n', '', ', Größe 7 and more', '.')
  return fc
    .tuple(words, fc.constantFrom(...disguises), fc.nat(), after, words)
    .map(([before, [, spell, kinds], which, behind, last]) => {
      return `${before}${spell(values[kinds[which % kinds.length] as string] as string)}${behind}${last}`
    })
}

/** What is found in the whole text was held back from its first character, or known, with the text up to the cut. */
function assertHeld(text: string, cut: number): void {
  const seen = text.slice(0, cut)
  const pending = rules.pendingFrom(seen)
  for (const match of rules.find(text)) {
    if (match.start >= cut || match.end < cut || pending <= match.start) continue
    const known = rules.find(seen).some((one) => one.start <= match.start && one.end >= Math.min(cut, match.end))
    assert.ok(known, `${match.rule}: ${JSON.stringify(seen)} is not held from ${match.start}, but from ${pending}`)
  }
}

test('a value that stands as it is, right beside an escape, is found', () => {
  const key = 'AKIAQ3EGTSK7DYM4XWZN'
  for (const text of [
    `use%20${key}`,
    `use%2c${key}%2Cnow`,
    `https://a.example/?q=use%20${key}%20now`,
    `use\\u0020${key}`,
    `\\x41t\\x20${key}`,
    `data:text/plain,use%20${key}`,
    `${key}\\x5f`,
  ]) {
    const [match, ...more] = rules.find(text)
    assert.equal(match?.type, 'SECRET:aws-access-key', text)
    assert.equal(text.slice(match?.start, match?.end), key)
    assert.deepEqual(more, [])
  }
  assert.deepEqual(rules.find(`use%41${key}`), [])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SallyportError } from '../../src/core/errors.ts'
import { longestMatch, operatorPattern } from '../../src/detect/operator-pattern.ts'

function found(source: string, text: string, caseSensitive = false): string[] {
  return places(source, text, caseSensitive).map(([start, end]) => text.slice(start, end))
}

function places(source: string, text: string, caseSensitive = false): [number, number][] {
  const pattern = operatorPattern(source, caseSensitive)
  const out: [number, number][] = []
  let after = 0
  for (let from = 0; from < text.length; from += pattern.window) after = pattern.find(text, from, after, out)
  return out
}

test('RE2 expressions, with Unicode classes and in any case', () => {
  assert.deepEqual(found('P-\\d{4}', 'see p-1234, P-12'), ['p-1234'])
  assert.deepEqual(found('P-\\d{4}', 'see p-1234, P-4321', true), ['P-4321'])
  assert.deepEqual(found('\\p{Greek}+|\\p{Lu}\\d', 'αβγ A1 b2', true), ['αβγ', 'A1'])
  assert.deepEqual(found('журавль', 'ЖУРАВЛЬ'), ['ЖУРАВЛЬ'])
  assert.deepEqual(found('(?m)^id: (?P<n>\\w+)$', 'x id: a\nid: b\nid: c d'), ['id: b'])
  assert.deepEqual(found('cafe\u0301', 'café'), ['café'])
  assert.deepEqual(found('a*', 'baa'), ['aa'])
})

// So many states that a window is short.
const long = '[ab]{1,400}c|^start|end$|\\bword\\b|x'

test('a long text looked through in windows has the matches of the whole', () => {
  const { window } = operatorPattern(long, false)
  assert.ok(window < 3_000)
  const filler = '. '.repeat(window)
  const texts = fc.array(
    fc.oneof(
      fc.constantFrom('abac', 'aaab', 'start', 'end', 'word', 'words', 'x', ' ', `${'ab'.repeat(180)}c`),
      fc.nat(window).map((length) => filler.slice(0, length)),
    ),
    { minLength: 1, maxLength: 12 },
  )
  const whole = new RegExp(long, 'gi')
  fc.assert(
    fc.property(texts, (pieces) => {
      const text = pieces.join('')
      assert.deepEqual(
        places(long, text),
        [...text.matchAll(whole)].map(({ index, 0: { length } }) => [index, index + length]),
      )
    }),
    { numRuns: 200 },
  )
})

test('a match longer than is promised is found in part', () => {
  const { window } = operatorPattern('q.*', false)
  const text = `${' '.repeat(window - 5)}q${'z'.repeat(3_000)}`
  const [first] = places('q.*', text)
  assert.equal(first?.[0], window - 5)
  assert.ok((first?.[1] ?? 0) >= window - 5 + longestMatch)
})

test('expressions that would take long take short windows', () => {
  const simple = operatorPattern('P-\\d{4}', false)
  const heavy = operatorPattern('(?:[a-z ]{1,30}){1,15}[xy]', false)
  assert.ok(simple.window > 60_000 && heavy.window < 1_000)
  assert.ok(simple.cost < 12 && heavy.cost > 200)
  assert.deepEqual(found('(a+)+\\$', 'a'.repeat(50_000)), [])
})

test('what does not compile is refused with the reason and a hint', () => {
  for (const [pattern, why] of [
    ['a(?=b)', /look-ahead .* at character 2 is not supported/],
    ['(', /missing closing \): `\(`/],
    ['(?:\\w{1,100}){30}', /repeat|states/],
    ['(?:abcdefghij|klmnopqrst){200}', /states, of at most/],
  ] as const) {
    assert.throws(
      () => operatorPattern(pattern, false),
      (error: unknown) =>
        error instanceof SallyportError &&
        error.code === 'policy_invalid' &&
        why.test(error.message) &&
        (error.hint ?? '') !== '',
      pattern,
    )
  }
})

test('what could become a match is pending, at most as far back as a match is long', () => {
  const pending = (source: string, text: string): number => operatorPattern(source, false).pendingFrom(text)
  assert.equal(pending('P-\\d{4}x', 'see p-12'), 4)
  assert.equal(pending('P-\\d{4}x', 'see p-12y'), 9)
  assert.equal(pending('(?i)P-\\d{4}x', 'see p-12'), 4)
  assert.equal(pending('foo.*bar', 'a foo and so on'), 2)
  assert.equal(pending('[[:digit:]]x', 'a'.repeat(1_000)), 1_000 - longestMatch)
  assert.equal(pending('\\pL{9}x', 'a'.repeat(1_000)), 1_000 - longestMatch)
})

test('whatever is streamed, no beginning of a match is let go', () => {
  const sources = ['P-\\d{4}', 'ab|abc', '(?:ab)+c?', 'a[^b]{2,4}b', '\\bab\\b', 'a.?b.?c', '(?i)PQ', '[^]a]b']
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'p', '-', '1', ' '), maxLength: 14 })
  fc.assert(
    fc.property(fc.constantFrom(...sources), text, fc.nat(14), (source, text, cut) => {
      const before = text.slice(0, cut)
      const pending = operatorPattern(source, false).pendingFrom(before)
      for (const [start, end] of places(source, text))
        if (start < before.length && end > before.length) assert.ok(pending <= start, `${source} ${text} ${cut}`)
    }),
    { numRuns: 3_000 },
  )
})

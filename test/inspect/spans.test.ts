import assert from 'node:assert/strict'
import test from 'node:test'
import type { Action } from '../../src/core/verdict.ts'
import type { Hit } from '../../src/inspect/binding.ts'
import { besidePlaceholders, joined, maskFor, storeReplacements, wireReplacements } from '../../src/inspect/spans.ts'
import { newVault } from '../support/inspection.ts'

const vault = newVault()
const request = { mode: 'enforce', vault, stage: 'request' } as const

function hit(start: number, end: number, action: Action, type = 'T', confidence = 1): Hit {
  return { start, end, action, rule: 'r', match: { type, rule: 'r', start, end, confidence, severity: 'low' } }
}

test('overlapping hits are one span that the strictest leads', () => {
  const spans = joined([hit(0, 5, 'flag', 'A'), hit(3, 8, 'redact', 'B'), hit(8, 9, 'flag', 'C'), hit(9, 9, 'block')])
  assert.deepEqual(
    spans.map(({ start, end, lead }) => [start, end, lead.match.type]),
    [
      [0, 8, 'B'],
      [8, 9, 'C'],
    ],
  )
})

test('of equals the surer, then the longer names the span', () => {
  assert.equal(joined([hit(0, 9, 'redact', 'A', 0.5), hit(1, 3, 'redact', 'B', 0.9)])[0]?.lead.match.type, 'B')
  assert.equal(joined([hit(0, 3, 'redact', 'A'), hit(1, 9, 'redact', 'B')])[0]?.lead.match.type, 'B')
})

test('a hit that only flags does not widen what is masked', () => {
  const wire = wireReplacements('0123456789', [hit(0, 9, 'flag'), hit(2, 4, 'redact', 'B')], [], request)
  assert.deepEqual(wire, [{ start: 2, end: 4, text: '[REDACTED:B]', restores: false }])
})

test('requests get placeholders, answers masks', () => {
  const hits = [hit(0, 4, 'tokenize', 'EMAIL')]
  assert.equal(wireReplacements('a@b.', hits, [], request)[0]?.text, vault.placeholderFor('EMAIL', 'a@b.'))
  assert.equal(wireReplacements('a@b.', hits, [], { ...request, stage: 'response' })[0]?.text, '[REDACTED:EMAIL]')
  assert.deepEqual(wireReplacements('a@b.', hits, [], { ...request, mode: 'observe' }), [])
})

test('a placeholder inside a masked value is masked with it, others are restored', () => {
  const token = vault.placeholderFor('EMAIL', 'ann@example.org')
  const text = `${token} and https://${token}@host`
  const mask = hit(token.length + 5, text.length, 'redact', 'URL')
  const wire = wireReplacements(text, [mask], vault.placeholders(text), { ...request, stage: 'response' })
  assert.deepEqual(
    wire.map((one) => one.text),
    ['ann@example.org', '[REDACTED:URL]'],
  )
})

test('the store masks what is flagged and known, joined, and keeps the placeholders of the wire', () => {
  const wire = [{ start: 10, end: 14, text: 'QX_', restores: false }]
  const stored = storeReplacements(
    [hit(0, 4, 'flag', 'A'), hit(10, 14, 'tokenize', 'B')],
    [
      { start: 2, end: 6 },
      { start: 20, end: 24 },
    ],
    wire,
  )
  assert.deepEqual(
    stored.map(({ start, end, text }) => [start, end, text]),
    [
      [0, 6, '[REDACTED:A]'],
      [10, 14, 'QX_'],
      [20, 24, '[REDACTED]'],
    ],
  )
})

test('what placeholders of ours are found as is no finding, and of a value beside them only that is', () => {
  const one = vault.placeholderFor('SECRET', 'x')
  const other = vault.placeholderFor('SECRET', 'y')
  const beside = (text: string, from = 0, to = text.length): string | undefined => {
    const range = besidePlaceholders(vault.placeholders(text), { start: from, end: to }, text)
    return range === undefined ? undefined : text.slice(range.start, range.end)
  }
  const cases: readonly [text: string, left: string | undefined][] = [
    [one, undefined],
    [`${one}:${other}`, undefined],
    [`"${one}-${other}"`, undefined],
    [`${one}${other}`, undefined],
    [`admin:${one}`, undefined],
    [`${one}a@b.co`, 'a@b.co'],
    [`${one}:correct-horse`, ':correct-horse'],
    [`long-user-name:${one}:correct-horse-battery`, ':correct-horse-battery'],
    [one.slice(0, -1), one.slice(0, -1)],
    ['correct-horse', 'correct-horse'],
  ]
  for (const [text, left] of cases) assert.equal(beside(text), left, text)
  assert.equal(beside(`a ${one} b`, 5, 9), undefined)
  assert.equal(beside(`a ${one} b`, 0, 2), 'a ')
})

test('a mask names the type', () => {
  assert.deepEqual([maskFor('EMAIL'), maskFor(null)], ['[REDACTED:EMAIL]', '[REDACTED]'])
})

import assert from 'node:assert/strict'
import test from 'node:test'
import type { Action } from '../../src/core/verdict.ts'
import type { Hit } from '../../src/inspect/binding.ts'
import { insidePlaceholder, joined, maskFor, storeReplacements, wireReplacements } from '../../src/inspect/spans.ts'
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

test('what lies inside a placeholder of ours is no finding', () => {
  const token = vault.placeholderFor('SECRET', 'x')
  const text = `a ${token} b ${token.slice(0, -1)}`
  const placeholders = vault.placeholders(text)
  assert.equal(insidePlaceholder(placeholders, { start: 2, end: 2 + token.length }), true)
  assert.equal(insidePlaceholder(placeholders, { start: 5, end: 9 }), true)
  assert.equal(insidePlaceholder(placeholders, { start: 0, end: 9 }), false)
  assert.equal(insidePlaceholder(placeholders, { start: text.length - 5, end: text.length }), false)
})

test('a mask names the type', () => {
  assert.deepEqual([maskFor('EMAIL'), maskFor(null)], ['[REDACTED:EMAIL]', '[REDACTED]'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRule } from '../../src/detect/compiled.ts'
import { confirm, inContext } from '../../src/detect/confirm.ts'
import type { Rule } from '../../src/detect/pack.ts'

const base: Rule = {
  id: 'badge',
  type: 'BADGE',
  pattern: '\\d{9}',
  keywords: ['x'],
  confidence: 0.5,
  severity: 'low',
  context: { words: ['ssn', 'badge no'], within: 20, required: true, boost: 0.25, not: ['order'] },
  examples: { match: ['x'], noMatch: ['y'] },
}

test('context words count as whole words before the value, in names and in keys', () => {
  const rule = compileRule(base, 'p')
  for (const before of ['SSN: ', 'badge_no = ', 'BadgeNo: ', 'customerSsn=', '"ssn":"', 'Badge-No '])
    assert.equal(confidence(before), 0.75, before)
  for (const before of ['lessn ', 'ssnx ', 'number ', 'ssn and much more text before ', 'ssn of order '])
    assert.equal(confidence(before), undefined, before)
  assert.equal(confidence('', 'user.ssn'), 0.75)

  function confidence(before: string, key = ''): number | undefined {
    const text = `${before}123456789`
    assert.equal(
      inContext(rule, text, before.length, key),
      confirm(rule, text, before.length, text.length, key) !== undefined,
    )
    return confirm(rule, text, before.length, text.length, key)?.confidence
  }
})

test('what stands behind a mask of ours is not named by the type in it', () => {
  const rule = compileRule({ ...base, context: undefined, type: 'SECRET:x' }, 'p')
  const match = (before: string): boolean => {
    const text = `${before}182736450`
    return confirm(rule, text, before.length, text.length, '') !== undefined
  }
  for (const before of ['host [REDACTED:SECRET:url-credentials]:', '[REDACTED:EMAIL] = "', '[REDACTED:KEYWORD:x.y]'])
    assert.equal(match(before), false, before)
  for (const before of ['', ']', 'token [0]: ', '[REDACTED:EMAIL] and then token='])
    assert.equal(match(before), true, before)
})

test('entropy, checksum and placeholders are asked', () => {
  const match = (rule: Partial<Rule>, text: string): boolean => {
    const compiled = compileRule({ ...base, context: undefined, ...rule }, 'p')
    return confirm(compiled, text, 0, text.length, '') !== undefined
  }
  assert.equal(match({ entropy: 3 }, '112211221'), false)
  assert.equal(match({ entropy: 3 }, '182736450'), true)
  assert.equal(match({ checksum: 'luhn' }, '182736450'), false)
  assert.equal(match({ type: 'SECRET:x' }, 'changeme'), false)
  assert.equal(match({}, 'changeme'), true)
})

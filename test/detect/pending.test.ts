import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pack } from '../../src/detect/pack.ts'
import { loadPacks, packsFolder } from '../../src/detect/pack.ts'
import { compileRules } from '../../src/detect/rule-book.ts'
import type { RuleSet } from '../../src/detect/rule-set.ts'

const packs = loadPacks([packsFolder()])
const all = compileRules(packs, {})

for (const pack of packs) {
  test(`no match of ${pack.id} could be let go before it is known, at any cut`, () => {
    for (const rule of pack.rules) {
      for (const example of rule.examples.match) {
        cutEverywhere(only(pack, rule.id), example)
        cutEverywhere(all, `Some words before it: ${example} and some after it.`)
      }
    }
  })
}

test('prose and code hold back little', () => {
  const text =
    'The committee met on Tuesday at 10:30 and agreed that section 4 (2024) should go to all members. See const total = items.reduce((a, b) => a + b, 0); it costs $42.50.'
  let held = 0
  for (let cut = 1; cut <= text.length; cut++) {
    const pending = all.pendingFrom(text.slice(0, cut))
    assert.ok(cut - pending <= 20, text.slice(pending, cut))
    held += cut - pending
  }
  assert.ok(held / text.length < 6)
})

test('a value that may still grow is pending', () => {
  const secrets = compileRules(packs, { types: ['SECRET'] })
  const text = `token ghp_${'q8Zr3mVt0Lx7K2bWcY9d'.repeat(2)}`
  assert.equal(secrets.find(text).length, 1)
  assert.equal(secrets.pendingFrom(text), 6)
  assert.equal(secrets.pendingFrom(`${text} and `), text.length + 5)
})

test('what stands in normal form is pending from its original place', () => {
  assert.equal(all.pendingFrom('– key: ＡＫＩＡ'), 7)
  assert.equal(all.pendingFrom('– key: AK\u200bIA'), 7)
  assert.equal(all.pendingFrom(''), 0)
})

function only(pack: Pack, id: string): RuleSet {
  return compileRules([{ ...pack, rules: pack.rules.filter((rule) => rule.id === id) }], {})
}

/** A match is held from its first character to its last; behind its last only if more text can change it. */
function cutEverywhere(rules: RuleSet, text: string): void {
  for (const match of rules.find(text)) {
    for (let cut = match.start + 1; cut <= match.end; cut++) {
      const seen = text.slice(0, cut)
      if (rules.pendingFrom(seen) <= match.start) continue
      const known = rules.find(seen).some((one) => one.start <= match.start && one.end >= match.end)
      assert.ok(known, `${match.rule}: cut at ${cut - match.start} of ${match.end - match.start}`)
    }
  }
}

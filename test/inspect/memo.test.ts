import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import type { TextPart } from '../../src/core/text.ts'
import { compileKeywords, ruleBook } from '../../src/detect/index.ts'
import type { RuleSet } from '../../src/detect/index.ts'
import type { Inspection } from '../../src/inspect/binding.ts'
import { createMemo, PIECE } from '../../src/inspect/memo.ts'
import type { Memo, Shelf, TenantMemo } from '../../src/inspect/memo.ts'
import { inspectParts } from '../../src/inspect/pipeline.ts'
import { bound, detector, facts, keyRule, newVault, textPart } from '../support/inspection.ts'
import { packs, packTexts } from '../support/packs.ts'

type Uses = { hits: number; misses: number }

function counting(maxBytes = 1_000_000): { memo: Memo; uses: Uses } {
  const uses = { hits: 0, misses: 0 }
  const used = (hits: number, misses: number): void => {
    uses.hits += hits
    uses.misses += misses
  }
  return { memo: createMemo({ key: Buffer.alloc(32, 1), maxBytes, used }), uses }
}

const vault = newVault()

async function inspected(
  rules: readonly RuleSet[],
  parts: readonly TextPart[],
  memo?: TenantMemo,
): Promise<Inspection> {
  const bindings = rules.map((one) => bound(detector(one), 'tokenize'))
  const how = { mode: 'enforce', vault, now: () => 0n, signal: new AbortController().signal } as const
  const input = { stage: 'request', parts, bodyBytes: 0, facts } as const
  return inspectParts(bindings, input, memo === undefined ? how : { ...how, memo })
}

const filler = 'lorem ipsum dolor sit amet, consectetur. '.repeat(110)
const conversation = [textPart(`${filler} AK1234 `), textPart(filler.slice(0, 200)), textPart('short AK5678')]

test('a conversation that comes again is remembered but for its short texts, and treated alike', async () => {
  const { memo, uses } = counting()
  const first = await inspected([keyRule], conversation, memo.of('a'))
  assert.deepEqual(uses, { hits: 0, misses: 2 })
  const more = [...conversation, textPart(`${filler} and more AK9012`)]
  const second = await inspected([keyRule], more, memo.of('a'))
  assert.deepEqual(uses, { hits: 2, misses: 3 })
  assert.equal(memo.entries(), 3)
  assert.deepEqual(second, await inspected([keyRule], more))
  assert.deepEqual(second.edits.slice(0, first.edits.length), first.edits)
})

test('short messages leave nothing behind', async () => {
  const { memo, uses } = counting()
  await inspected([keyRule], [textPart(filler.slice(0, 4_000))], memo.of('a'))
  assert.deepEqual([uses, memo.entries(), memo.bytes()], [{ hits: 0, misses: 0 }, 0, 0])
})

test('tenants, rules and names share nothing', async () => {
  const { memo, uses } = counting()
  const named = (path: string): TextPart[] => [textPart(filler, { kind: 'tool-arguments', path })]
  const words = (word: string): RuleSet =>
    compileKeywords({ words: [word], patterns: [], caseSensitive: false, name: 'list' })
  const cases: [tenant: string, rules: readonly RuleSet[], path: string][] = [
    ['a', [words('lorem')], 'x.note'],
    ['b', [words('lorem')], 'x.note'],
    ['a', [words('ipsum')], 'x.note'],
    ['a', [words('lorem'), words('ipsum')], 'y.text'],
    ['a', [words('lorem')], 'x.password'],
  ]
  for (const [tenant, rules, path] of cases) {
    const inspection = await inspected(rules, named(path), memo.of(tenant))
    assert.equal(inspection.findings[0]?.type, 'KEYWORD:list')
    assert.deepEqual(inspection, await inspected(rules, named(path)))
  }
  assert.equal(uses.hits, 0)
  for (const [tenant, rules, path] of cases) await inspected(rules, named(path), memo.of(tenant))
  assert.equal(uses.hits, uses.misses)
})

test('the memory holds no more than it may, and forgets what was used longest ago', async () => {
  const { memo, uses } = counting(2_400)
  for (let i = 0; i < 20; i++) {
    await inspected([keyRule], [textPart(`${i} ${filler}`)], memo.of('a'))
    assert.ok(memo.bytes() <= 2_400)
  }
  assert.equal(memo.entries(), 4)
  await inspected([keyRule], [textPart(`19 ${filler}`)], memo.of('a'))
  await inspected([keyRule], [textPart(`0 ${filler}`)], memo.of('a'))
  assert.deepEqual(uses, { hits: 1, misses: 21 })
})

test('what failed is not remembered', async () => {
  const { memo, uses } = counting()
  let broken = true
  const rules: RuleSet = {
    ...keyRule,
    find: (text) => {
      if (broken) throw new Error('no memory')
      return keyRule.find(text)
    },
  }
  assert.equal((await inspected([rules], conversation, memo.of('a'))).decision, 'block')
  broken = false
  assert.equal((await inspected([rules], conversation, memo.of('a'))).findings.length, 2)
  assert.deepEqual([uses.hits, memo.entries()], [0, 2])
})

test('whatever is sent in whatever order, the findings are those without a memory', async () => {
  const book = ruleBook(packs)
  const rules = [book.choose({ types: ['SECRET'] }), book.choose({ exclude: ['SECRET'] })]
  const { memo } = counting(20_000)
  const part = fc
    .tuple(
      packTexts.map((text) => `${text}\n${filler.slice(0, 100)}`),
      fc.constantFrom('message', 'tool-arguments'),
      fc.constantFrom('a', 'password'),
    )
    .map(([text, kind, path]) => textPart(text, { kind, path }))
  const messages = fc.array(part, { minLength: 1, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(messages, fc.constantFrom('a', 'b'), async (some, tenant) => {
      const parts = [textPart(filler), ...some]
      const expected = await inspected(rules, parts)
      for (let turn = 1; turn <= 2; turn++) assert.deepEqual(await inspected(rules, parts, memo.of(tenant)), expected)
    }),
    { numRuns: 60 },
  )
})

function keyInSteps(shelf: Shelf, text: string, name: string): { key: string; steps: number } {
  const hashing = shelf.keyInSteps(text, name)
  for (let steps = 0; ; steps++) {
    const step = hashing.next()
    if (step.done === true) return { key: step.value, steps }
  }
}

test('different texts have different keys, halves of characters and cuts in characters included', () => {
  const shelf = counting().memo.of('a').under(['rules'])
  const odd = ['\ud800', '\ud801', '\udc00', '\ufffd', '\ufffd\ufffd', '\ud800\udc00', '']
  for (const one of odd) assert.equal(shelf.keyOf(one, '') === undefined, !one.isWellFormed())
  const before = 'x'.repeat(PIECE - 1)
  const keys = odd.flatMap((one) => [keyInSteps(shelf, one, ''), keyInSteps(shelf, before + one, '')])
  assert.equal(new Set(keys.map(({ key }) => key)).size, keys.length)
  assert.equal(keyInSteps(shelf, before + before, '').steps, 2)
  const named = [shelf.keyOf('b', 'a'), shelf.keyOf('', 'ab'), shelf.keyOf('ab', ''), shelf.keyOf('1:ab', '')]
  assert.equal(new Set(named).size, 4)
})

test('a value found in one text is masked in others, remembered ones too, and only values known now', async () => {
  const { memo } = counting()
  const quoting = textPart(`${filler} xAK1234x and xAK5678x `)
  for (const value of ['AK1234', 'AK5678', 'AK1234', 'AK1234']) {
    const parts = [quoting, textPart(`so it is ${value} `)]
    const inspection = await inspected([keyRule], parts, memo.of('a'))
    assert.deepEqual(inspection, await inspected([keyRule], parts))
    assert.deepEqual(
      inspection.storeEdits.filter(({ part }) => part === quoting).map(({ start }) => start),
      [quoting.text.indexOf(value)],
    )
  }
})

test('short texts that come again in one message are found in each place, under each name', async () => {
  const { memo } = counting()
  const rules = ruleBook(packs).choose({ types: ['SECRET'], minConfidence: 0.5 })
  const named = (path: string): TextPart => textPart('tRee7#house-Lamp', { kind: 'tool-arguments', path })
  const parts = [
    textPart(filler),
    named('x.password'),
    named('x.note'),
    named('y.password'),
    textPart('tRee7#house-Lamp'),
    ...Array.from({ length: 9 }, (_, i) => named(`z${i}.note`)),
  ]
  const inspection = await inspected([rules], parts, memo.of('a'))
  assert.deepEqual(inspection, await inspected([rules], parts))
  assert.deepEqual(
    inspection.findings.map(({ place }) => place),
    ['x.password', 'y.password'],
  )
})

test('very many short texts are a long message', async () => {
  const parts = Array.from({ length: 5_000 }, (_, i) => textPart(`a${i % 10}`))
  const bindings = [bound(detector(keyRule), 'flag')]
  const how = { mode: 'enforce', vault, now: () => 0n, signal: new AbortController().signal } as const
  const input = { stage: 'request', parts, bodyBytes: 0, facts } as const
  for (const memo of [undefined, counting().memo.of('a')]) {
    const result = inspectParts(bindings, input, memo === undefined ? how : { ...how, memo })
    assert.ok(result instanceof Promise)
    assert.equal((await result).findings.length, 0)
  }
})

test('a memory with another key knows nothing of this one', () => {
  const keyWith = (fill: number): string | undefined =>
    createMemo({ key: Buffer.alloc(32, fill), maxBytes: 1_000 })
      .of('a')
      .under(['rules'])
      .keyOf('text', '')
  assert.notEqual(keyWith(1), keyWith(2))
  assert.equal(keyWith(1), keyWith(1))
})

test('a text longer than a slice is remembered, and looked up in turns with others', async () => {
  const { memo, uses } = counting()
  const parts = [textPart(`${'lorem ipsum '.repeat(200_000)}AK1234 `), textPart(`\ud800 ${filler}AK5678 `)]
  const first = await inspected([keyRule], parts, memo.of('a'))
  assert.deepEqual(await inspected([keyRule], parts, memo.of('a')), first)
  assert.deepEqual(uses, { hits: 2, misses: 2 })
  assert.equal(first.findings.length, 2)
})

import assert from 'node:assert/strict'
import test from 'node:test'
import type { TextPart } from '../../src/core/text.ts'
import type { Match } from '../../src/core/verdict.ts'
import { ruleBook } from '../../src/detect/index.ts'
import type { Inspection } from '../../src/inspect/binding.ts'
import { createMemo } from '../../src/inspect/memo.ts'
import { inspectParts } from '../../src/inspect/pipeline.ts'
import { carriedOver, seamsOf } from '../../src/inspect/seams.ts'
import { bound, detector, edited, facts, newVault, textPart } from '../support/inspection.ts'
import { packs } from '../support/packs.ts'

const rules = ruleBook(packs).choose({ packs: ['secrets', 'pii'], minConfidence: 0.5 })
const vault = newVault()
const memo = createMemo({ key: Buffer.alloc(32, 1), maxBytes: 1_000_000 })

function inspected(parts: readonly TextPart[], action: 'redact' | 'tokenize' = 'redact'): Inspection {
  const how = {
    mode: 'enforce',
    vault,
    now: () => 0n,
    signal: new AbortController().signal,
    memo: memo.of('a'),
  } as const
  const input = { stage: 'request', parts, bodyBytes: 0, facts } as const
  const result = inspectParts([bound(detector(rules), action)], input, how)
  if (result instanceof Promise) throw new Error('short texts are inspected at once')
  return result
}

/** Blocks of one message. */
const blocks = (...texts: string[]): TextPart[] =>
  texts.map((text, i) => textPart(text, { path: `messages[0].content[${i}].text` }))

const key = 'AKIAQ3EGTSK7DYM4XWZN'

test('a value cut in two is found, and taken out of both texts', () => {
  for (let cut = 1; cut < key.length; cut++) {
    const parts = blocks(`so use ${key.slice(0, cut)}`, `${key.slice(cut)} from now on.`)
    const { findings, edits, storeEdits } = inspected(parts)
    const expected = ['so use [REDACTED:SECRET:aws-access-key]', '[REDACTED:SECRET:aws-access-key] from now on.']
    assert.deepEqual(
      parts.map((part) => edited(part, edits)),
      expected,
      `cut at ${cut}`,
    )
    assert.deepEqual(
      parts.map((part) => edited(part, storeEdits)),
      expected,
    )
    assert.deepEqual(
      findings.map(({ type, place, start, end }) => [type, place, start, end]),
      [
        ['SECRET:aws-access-key', parts[0]!.path, 7, 7 + cut],
        ['SECRET:aws-access-key', parts[1]!.path, 0, key.length - cut],
      ],
    )
  }
})

test('placeholders of its pieces become them again, and are the same each turn', () => {
  const parts = blocks(`so use ${key.slice(0, 9)}`, `${key.slice(9)} from now on.`)
  const wire = parts.map((part) => edited(part, inspected(parts, 'tokenize').edits))
  assert.ok(!wire.join('').includes('Q3EG') && !wire.join('').includes('XWZN'))
  assert.deepEqual(
    wire.map((text) => vault.restore(text).text),
    parts.map(({ text }) => text),
  )
  const longer = [...parts, ...blocks('', '', 'and one more').slice(2)]
  assert.deepEqual(
    parts.map((part) => edited(part, inspected(longer, 'tokenize').edits)),
    wire,
  )
})

test('words that tell what a value is may stand in the text before', () => {
  const parts = blocks('As for dora, her passport number is', 'X12345678 and nothing else')
  const alone = inspected([parts[1]!])
  const together = inspected(parts)
  assert.deepEqual(alone.findings, [])
  assert.equal(together.findings.length, 1)
  assert.equal(edited(parts[0]!, together.edits), parts[0]!.text)
  assert.match(edited(parts[1]!, together.edits), /^\[REDACTED:PASSPORT\] and nothing else$/)
})

test('messages of the same speaker in a row are one', () => {
  const said = (role: 'user' | 'assistant', i: number, text: string): TextPart =>
    textPart(text, { role, path: `messages[${i}].content` })
  const [one, two] = [key.slice(0, 8), key.slice(8)]
  assert.equal(inspected([said('user', 4, one), said('user', 5, two)]).findings.length, 2)
  assert.equal(inspected([said('user', 4, one), said('assistant', 5, two)]).findings.length, 0)
  assert.equal(inspected([said('user', 4, one), said('user', 6, two)]).findings.length, 0)
})

const pathCases: readonly [first: string, second: string, seams: boolean][] = [
  ['messages[0].content[0].text', 'messages[0].content[1].text', true],
  ['messages[0].content[9].text', 'messages[0].content[10].text', true],
  ['messages[9].content', 'messages[10].content', true],
  ['system[0].text', 'system[1].text', true],
  ['contents[0].parts[1].text', 'contents[0].parts[2].text', true],
  ['input[0]', 'input[1]', false],
  ['messages[0].content[0].text', 'messages[0].content[2].text', false],
  ['messages[0].content[1].text', 'messages[0].content[10].text', false],
  ['messages[0].content[1].text', 'messages[1].content[2].text', false],
  ['messages[0].content[0].text', 'messages[0].content[1].title', false],
  ['messages[0].content', 'messages[0].content', false],
  ['messages[0].name', 'messages[0].content', false],
  ['prompt', 'prompts', false],
  ['', '', false],
]

test('only neighbours of the same kind have a seam', () => {
  for (const [first, second, expected] of pathCases) {
    const parts = [textPart('one two', { path: first }), textPart('three four', { path: second })]
    assert.equal(seamsOf(parts).length > 0, expected, `${first} ${second}`)
    const other = [parts[0]!, textPart('three four', { path: second, kind: 'tool-arguments' })]
    assert.deepEqual(seamsOf(other), [])
  }
  assert.deepEqual(seamsOf(blocks('The end.', 'A beginning')), [])
  assert.deepEqual(
    seamsOf(blocks('one ', '- two', 'three')).map(({ first, between }) => [first, between]),
    [
      [0, 1],
      [1, 1],
      [1, 0],
    ],
  )
})

test('texts that end where a value ends are not glued to others', () => {
  for (const texts of [
    [`use ${key}`, 'and then go'],
    ['write to dora@north-hill.org', 'because she knows'],
    ['do', 'dora@north-hill.org knows'],
    ['It is 2024', '1200 of them'],
    ['Her passport number is X12345678', 'Y87654321 is another number'],
  ]) {
    const parts = blocks(...texts)
    const apart = parts.flatMap((part) => inspected([part]).findings)
    assert.deepEqual(inspected(parts).findings, apart, texts.join(' | '))
  }
})

test('only ends are looked at, and what a cut made is not believed', () => {
  const match = (start: number, end: number, confidence = 0.9): Match => {
    return { type: 'X', rule: 'x', start, end, confidence, severity: 'low' }
  }
  const [apart, glued] = seamsOf(blocks('a'.repeat(600), 'b'.repeat(600)))
  assert.equal(glued!.part.text, 'a'.repeat(512) + 'b'.repeat(512))
  assert.equal(apart!.part.text, `${'a'.repeat(512)} ${'b'.repeat(512)}`)
  const carried = (seam: typeof glued, one: Match, own: Match[][] = []): unknown =>
    carriedOver(seam!, one, own).map(([part, { start, end }]) => [part, start, end])
  assert.deepEqual(carried(glued, match(500, 520)), [
    [0, 588, 600],
    [1, 0, 8],
  ])
  assert.deepEqual(carried(apart, match(500, 520)), [
    [0, 588, 600],
    [1, 0, 7],
  ])
  assert.deepEqual(carried(apart, match(520, 530)), [[1, 7, 17]])
  for (const [seam, one, own] of [
    [glued, match(500, 512), []],
    [apart, match(500, 513), []],
    [glued, match(500, 1_024), []],
    [glued, match(0, 520), []],
    [glued, match(500, 520, 0.85), []],
    [apart, match(500, 520, 0.75), []],
    [glued, match(512, 520), []],
    [apart, match(700, 710), []],
    [glued, match(500, 520), [[match(595, 600)]]],
    [glued, match(500, 520), [[], [match(0, 20)]]],
  ] as const)
    assert.deepEqual(carried(seam, one, own as unknown as Match[][]), [])
})

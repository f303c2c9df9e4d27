import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import { compileKeywords, compileRules, ruleBook } from '../../src/detect/index.ts'
import type { Action, Stage } from '../../src/core/verdict.ts'
import type { Binding, Inspection } from '../../src/inspect/binding.ts'
import { SLICE } from '../../src/inspect/detections.ts'
import { inspectParts, type InspectedPart } from '../../src/inspect/pipeline.ts'
import { bound, detector, edited, emailRule, facts, judge, keyRule, newVault, textPart } from '../support/inspection.ts'
import { packs, packTexts } from '../support/packs.ts'

const vault = newVault()
type Case = { mode?: 'enforce' | 'observe'; stage?: Stage; known?: string[]; bodyBytes?: number }

function inspected(bindings: Binding[], parts: InspectedPart[], more: Case = {}): Inspection {
  const result = run(bindings, parts, more)
  if (result instanceof Promise) throw new Error('detectors alone must answer at once')
  return result
}

function run(
  bindings: Binding[],
  parts: InspectedPart[],
  { mode = 'enforce', stage = 'request', known = [], bodyBytes = 0 }: Case = {},
) {
  const how = { mode, vault, now: () => 0n, signal: new AbortController().signal }
  return inspectParts(bindings, { stage, parts, bodyBytes, facts, known }, how)
}

const token = vault.placeholderFor('SECRET:key', 'AK1234')
const wireOf: Record<Action, string> = {
  allow: 'key AK1234.',
  flag: 'key AK1234.',
  tokenize: `key ${token}.`,
  redact: 'key [REDACTED:SECRET:key].',
  block: 'key AK1234.',
}

for (const [action, wire] of Object.entries(wireOf) as [Action, string][]) {
  test(`${action}: the wire, the store and the record of a value that was found`, () => {
    const part = textPart('key AK1234.')
    const inspection = inspected([bound(detector(keyRule), action)], [part])
    assert.equal(edited(part, inspection.edits), wire)
    assert.equal(edited(part, inspection.storeEdits), action === 'tokenize' ? wire : 'key [REDACTED:SECRET:key].')
    assert.deepEqual([inspection.decision, inspection.rule], [action, action === 'allow' ? null : `${action} rule`])
    assert.deepEqual(inspection.findings, [
      {
        type: 'SECRET:key',
        rule: 'secret:key',
        policyRule: `${action} rule`,
        action,
        stage: 'request',
        place: 'messages[0].content',
        start: 4,
        end: 10,
        confidence: 1,
        severity: 'high',
      },
    ])
    assert.deepEqual(inspection.found, ['AK1234'])
    assert.deepEqual(
      inspection.hooks.map((one) => one.verdict),
      [action],
    )
  })
}

test('observing finds and records everything and changes nothing', () => {
  const part = textPart('key AK1234.')
  const inspection = inspected([bound(detector(keyRule), 'block')], [part], { mode: 'observe' })
  assert.deepEqual([inspection.edits, inspection.decision, inspection.findings[0]?.action], [[], 'flag', 'flag'])
  assert.equal(edited(part, inspection.storeEdits), 'key [REDACTED:SECRET:key].')
})

test('nothing found is nothing to do', () => {
  const { edits, storeEdits, findings, decision, rule, found } = inspected(
    [bound(detector(keyRule), 'block')],
    [textPart(''), textPart('hello')],
  )
  assert.deepEqual(
    { edits, storeEdits, findings, decision, rule, found },
    { edits: [], storeEdits: [], findings: [], decision: 'allow', rule: null, found: [] },
  )
})

test('a value found in one text is not stored with another', () => {
  const parts = [textPart('key AK1234.'), textPart('xAK1234x')]
  const inspection = inspected([bound(detector(keyRule), 'flag')], parts)
  assert.equal(edited(parts[1]!, inspection.storeEdits), 'x[REDACTED]x')
  assert.deepEqual(inspection.edits, [])
})

test('values known from before are masked in the store with no rule at all', () => {
  const part = textPart('say hunter22')
  const inspection = inspected([], [part], { stage: 'response', known: ['hunter22'] })
  assert.deepEqual(
    [edited(part, inspection.storeEdits), inspection.edits, inspection.decision],
    ['say [REDACTED]', [], 'allow'],
  )
})

test('placeholders in an answer are restored for the wire, not for the store', () => {
  const part = textPart(`use x${token}y and QX_SECRET_abcdefghjkmnpq`)
  const inspection = inspected([], [part], { stage: 'response' })
  assert.equal(edited(part, inspection.edits), 'use xAK1234y and QX_SECRET_abcdefghjkmnpq')
  assert.deepEqual([inspection.storeEdits, inspection.restored, inspection.unrestored], [[], 1, 1])
})

test('a placeholder sent back in a request stays one and is no finding', () => {
  const rules = {
    ...keyRule,
    find: (text: string) => [
      { ...keyRule.find('AK1234')[0]!, start: text.indexOf('QX'), end: text.indexOf('QX') + token.length },
    ],
  }
  const inspection = inspected([bound(detector(rules), 'redact')], [textPart(`password: ${token}`)])
  assert.deepEqual([inspection.findings, inspection.edits, inspection.storeEdits], [[], [], []])
})

test('several rules on one value: the strictest acts, all are recorded', () => {
  const part = textPart('to ann@corp.org')
  const bindings = [
    bound(detector(emailRule), 'flag'),
    bound(detector(emailRule), 'redact'),
    bound(detector(emailRule), 'tokenize'),
  ]
  const inspection = inspected(bindings, [part])
  assert.equal(edited(part, inspection.edits), 'to [REDACTED:EMAIL]')
  assert.deepEqual(
    inspection.findings.map((one) => one.action),
    ['flag', 'redact', 'tokenize'],
  )
  assert.equal(inspection.rule, 'redact rule')
})

test('a rule set bound twice searches once', () => {
  let searches = 0
  const rules = { ...keyRule, find: (text: string) => (searches++, keyRule.find(text)) }
  inspected([bound(detector(rules), 'flag'), bound(detector(rules), 'redact')], [textPart('AK1234')])
  assert.equal(searches, 1)
})

test('a signed text is left as it is and flagged, and still blocks', () => {
  const part = textPart(`AK1234 ${token}`, { sealed: true })
  const flagged = inspected([bound(detector(keyRule), 'tokenize')], [part], { stage: 'response' })
  assert.deepEqual([flagged.edits, flagged.decision], [[], 'flag'])
  assert.deepEqual(
    flagged.findings.map((one) => one.type),
    ['SECRET:key', 'SEALED'],
  )
  assert.equal(
    edited(
      part,
      flagged.storeEdits.map((one) => ({ ...one, part })),
    ),
    `[REDACTED:SECRET:key] ${token}`,
  )
  assert.equal(inspected([bound(detector(keyRule), 'block')], [part]).decision, 'block')
})

test('the name a value stands under is context, but not in messages', () => {
  const keys: (string | undefined)[] = []
  const rules = { ...keyRule, find: (_: string, context?: { readonly key?: string }) => (keys.push(context?.key), []) }
  const parts = [
    textPart('x'),
    textPart('x', { kind: 'tool-arguments', path: 'm[0].input.passwords[2]' }),
    textPart('x', { kind: 'other', path: 'token' }),
  ]
  inspected([bound(detector(rules), 'flag')], parts)
  assert.deepEqual(keys, [undefined, 'passwords', 'token'])
})

test('a detector that throws blocks, or is recorded as an error, as its rule says', () => {
  const broken = detector({ ...keyRule, find: () => assert.fail('broken') })
  const blocking = inspected([bound(broken, 'flag', { name: 'n' })], [textPart('x')])
  assert.deepEqual(
    [blocking.decision, blocking.rule, blocking.failed?.hook, blocking.hooks[0]?.verdict],
    ['block', 'n', 'test', 'error'],
  )
  const allowing = inspected([bound(broken, 'flag', { onError: 'allow' })], [textPart('x')])
  assert.deepEqual([allowing.decision, allowing.failed, allowing.hooks[0]?.verdict], ['allow', null, 'error'])
})

test('rules of the other stage do not run', () => {
  assert.equal(inspected([bound(detector(keyRule), 'block', { on: 'response' })], [textPart('AK1234')]).hooks.length, 0)
})

const match = { type: 'BAD', rule: 'judge', start: 0, end: 3, confidence: 0.7, severity: 'high', part: 0 } as const

test("a judge's findings get the rule's action, or the judge's verdict", async () => {
  const part = textPart('bad word')
  const mapped = await run(
    [
      bound(
        judge(async () => ({ findings: [match] })),
        'redact',
      ),
    ],
    [part],
  )
  assert.deepEqual([mapped.decision, edited(part, mapped.edits)], ['redact', '[REDACTED:BAD] word'])
  const ruled = await run(
    [
      bound(
        judge(() => ({ verdict: 'flag', findings: [match] })),
        'block',
      ),
    ],
    [part],
  )
  assert.deepEqual([ruled.decision, ruled.edits, ruled.findings[0]?.action], ['flag', [], 'flag'])
  const bare = await run(
    [
      bound(
        judge(() => ({ verdict: 'block', findings: [] })),
        'flag',
        { name: 'n' },
      ),
    ],
    [part],
  )
  assert.deepEqual([bare.decision, bare.rule], ['block', 'n'])
  const seen = await run(
    [
      bound(
        judge(() => ({ verdict: 'block', findings: [match] })),
        'flag',
      ),
    ],
    [part],
    { mode: 'observe' },
  )
  assert.deepEqual([seen.decision, seen.findings[0]?.action], ['flag', 'flag'])
})

test('a finding about no text has no place', async () => {
  const inspection = await run(
    [
      bound(
        judge(() => ({ findings: [{ ...match, part: null }] })),
        'block',
      ),
    ],
    [],
  )
  assert.deepEqual([inspection.decision, inspection.findings[0]?.place, inspection.storeEdits], ['block', '', []])
})

test('a judge is not asked about what is blocked already', () => {
  const bindings = [
    bound(
      judge(() => assert.fail('asked')),
      'flag',
    ),
    bound(detector(keyRule), 'block'),
  ]
  assert.equal(inspected(bindings, [textPart('AK1234')]).decision, 'block')
})

test('a judge that fails blocks, or is recorded as an error, as its rule says', async () => {
  const broken = judge(() => Promise.reject(new Error('down')), 'outside')
  const blocking = await run([bound(broken, 'flag', { name: 'n' })], [textPart('x')])
  assert.deepEqual([blocking.decision, blocking.rule, blocking.failed?.hook], ['block', 'n', 'outside'])
  const allowing = await run([bound(broken, 'flag', { onError: 'allow' })], [textPart('x')])
  assert.deepEqual([allowing.decision, allowing.failed, allowing.hooks[0]?.verdict], ['allow', null, 'error'])
})

test('bindings whose detectors share a pass find what bindings with their own do', () => {
  const book = ruleBook(packs)
  const choices = [
    ['tokenize', { types: ['SECRET'], minConfidence: 0.8 }],
    ['flag', { exclude: ['SECRET'], minConfidence: 0.5 }],
    ['redact', { types: ['SECRET', 'PHONE'] }],
  ] as const
  const shared = choices.map(([action, choice]) => bound(detector(book.choose(choice)), action))
  const apart = choices.map(([action, choice]) => bound(detector(compileRules(packs, choice)), action))
  fc.assert(
    fc.property(fc.array(packTexts, { maxLength: 3 }), (texts) => {
      const parts = texts.map((text, i) => textPart(text, i === 1 ? { kind: 'other', path: 'a.password' } : {}))
      assert.deepEqual(inspected(shared, parts), inspected(apart, parts))
    }),
    { numRuns: 150 },
  )
})

test('a long message is inspected in turns with others, and as a short one would be', async () => {
  const parts = [1, 2, 3].map((n) => textPart(`${'lorem ipsum '.repeat(25_000)}AK123${n} `))
  const order: string[] = []
  const result = run([bound(detector(keyRule), 'redact')], parts)
  assert.ok(result instanceof Promise)
  const done = result.then(() => order.push('inspected'))
  setImmediate(() => order.push('another'))
  await done
  assert.deepEqual(order, ['another', 'inspected'])
  const inspection = await result
  assert.deepEqual(
    inspection.edits.map(({ part, start }) => [part, start]),
    parts.map((part) => [part, 300_000]),
  )
})

test("an operator's pattern that takes long makes a message long that is not", async () => {
  const rules = compileKeywords({
    words: [],
    patterns: ['(?:[a-z ]{1,30}){1,15}[!]'],
    caseSensitive: false,
    name: 'odd',
  })
  const parts = [1, 2, 3].map(() => textPart(`${'lorem ipsum '.repeat(20)}!`))
  const result = run([bound(detector(rules), 'flag')], parts)
  assert.ok(result instanceof Promise)
  assert.equal((await result).findings.length, 3)
  assert.equal(inspected([bound(detector(rules), 'flag')], [textPart('lorem ipsum!')]).findings.length, 1)
})

test('what lies across the slices of a long text is found, masked and decided upon', async () => {
  const filler = 'lorem ipsum '.repeat(60_000)
  const text = `${filler.slice(0, SLICE - 3)} AK1234 ${filler.slice(0, SLICE - 12)} xAK1234x ${filler}`
  const again = text.indexOf('xAK1234x')
  assert.ok(again < 2 * SLICE && again + 8 > 2 * SLICE)
  for (const [action, decision] of [
    ['redact', 'redact'],
    ['block', 'block'],
  ] as const) {
    let asked = 0
    const judging = judge(() => (asked++, { findings: [] }))
    const part = textPart(text)
    const inspection = await run([bound(detector(keyRule), action), bound(judging, 'flag')], [part])
    assert.deepEqual(
      [inspection.decision, inspection.findings.length, asked],
      [decision, 1, action === 'block' ? 0 : 1],
    )
    assert.deepEqual(
      inspection.storeEdits.map(({ start }) => start),
      [text.indexOf('AK1234'), again + 1],
    )
    assert.equal(inspection.edits.length, action === 'block' ? 0 : 1)
  }
})

test('very many findings are taken in turns, and none is lost', async () => {
  const part = textPart(`${'AK1234 '.repeat(40_000)}`)
  const inspection = await run([bound(detector(keyRule), 'tokenize')], [part])
  assert.deepEqual([inspection.edits.length, inspection.findings.length + inspection.omitted], [40_000, 40_000])
})

import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import type { Finding } from '../../src/core/verdict.ts'
import type { Binding, Inspection } from '../../src/inspect/binding.ts'
import { inspectStream, type Released } from '../../src/inspect/stream.ts'
import { inspectParts } from '../../src/inspect/pipeline.ts'
import {
  bound,
  deltas,
  detector,
  edited,
  eventOf,
  expression,
  facts,
  hardTexts,
  keyRule,
  newVault,
  pieces,
  play,
  redacting,
  streamHow,
  textPart,
  type Delta,
} from '../support/inspection.ts'

const vault = newVault()
const { tokens, text } = hardTexts(vault)
const cuts = fc.array(fc.nat(3_000), { maxLength: 25 })

// Without conditions on what stands beside, so that every occurrence of a value is a match.
const anywhere = [
  bound(detector(expression('KEY', /AK[0-9]{4}/, /A(?:$|K[0-9]{0,3}$)/)), 'flag'),
  ...redacting.slice(1),
]

test('however texts are cut and mixed, findings and output are those of the whole texts', () => {
  fc.assert(
    fc.property(text, text, cuts, cuts, fc.infiniteStream(fc.boolean()), (a, b, cutsA, cutsB, turns) => {
      const events = mixed(deltasOf('a', a, cutsA), deltasOf('b', b, cutsB), turns)
      const { wire, result } = play(redacting, events, { vault, holdbackChars: 9_999 })
      const whole = wholeTexts(redacting, { a, b })
      assert.deepEqual(wire, whole.wire)
      assert.deepEqual(sorted(result.findings), sorted(whole.inspection.findings))
      assert.deepEqual(result.found.toSorted(), whole.inspection.found.toSorted())
      assert.deepEqual([result.decision, result.rule], [whole.inspection.decision, whole.inspection.rule])
      assert.deepEqual([result.restored, result.unrestored], [whole.inspection.restored, whole.inspection.unrestored])
    }),
    { numRuns: 1_500 },
  )
})

test('whatever the cut, no found value is stored in any channel', () => {
  fc.assert(
    fc.property(text, text, cuts, cuts, fc.infiniteStream(fc.boolean()), (a, b, cutsA, cutsB, turns) => {
      const events = mixed(deltasOf('a', a, cutsA), deltasOf('b', b, cutsB), turns)
      const { store, result } = play(anywhere, events, { vault, holdbackChars: 9_999 })
      for (const value of result.found) assert.ok(!`${store.a}\n${store.b}`.includes(value), value)
    }),
    { numRuns: 1_000 },
  )
})

test('however tool arguments are cut, they stay JSON and say the same as whole ones', () => {
  const value = fc.oneof(text, fc.constantFrom('ann@corp.org', 'say "AK1234"', `${tokens[0]}!`, 'line\nbreak\tAK9999'))
  const spelled = fc.tuple(
    fc.dictionary(fc.constantFrom('a', 'b', 'mail ann@corp.org'), value),
    fc.boolean(),
    fc.nat(9_999_999_999),
  )
  fc.assert(
    fc.property(spelled, cuts, ([fields, escaped, number], places) => {
      const plain = JSON.stringify({ ...fields, number, flag: true, nested: [fields] })
      const document = escaped ? plain.replaceAll('@', '\\u0040').replaceAll('/', '\\/') : plain
      const cut = deltasOf('tool', document, places).map((delta) => eventOf([{ ...delta, fragment: 'json' as const }]))
      const played = play(redacting, cut, { vault, holdbackChars: 9_999 })
      const whole = play(redacting, [eventOf([{ channel: 'tool', text: document, fragment: 'json' }])], { vault })
      assert.equal(played.wire.tool, whole.wire.tool)
      assert.deepEqual(played.result.findings, whole.result.findings)
      JSON.parse(played.store.tool!)
      assert.deepEqual(JSON.parse(played.wire.tool!), leafByLeaf(JSON.parse(document)))
    }),
    { numRuns: 1_000 },
  )
})

test('whatever the cut, nothing of a blocked value reaches the wire', () => {
  fc.assert(
    fc.property(text, cuts, (a, places) => {
      const { wire, blocked } = play([bound(detector(keyRule), 'block')], deltas('a', pieces(a, places)), {
        holdbackChars: 9_999,
      })
      const first = keyRule.find(a)[0]
      assert.equal(blocked !== undefined, first !== undefined)
      assert.ok((wire.a ?? '').length <= (first?.start ?? a.length))
    }),
  )
})

test('events that come together leave as those that come one by one', () => {
  const groups = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 30 })
  const blocking = bound(detector(expression('STOP', /m[ab@]/, /m$/)), 'block')
  fc.assert(
    fc.property(
      text,
      text,
      cuts,
      groups,
      fc.infiniteStream(fc.boolean()),
      fc.boolean(),
      (a, b, places, sizes, turns, blocks) => {
        const events = mixed(deltasOf('a', a, places), deltasOf('b', b, places), turns)
        events.splice(events.length >> 1, 0, eventOf([{ channel: 'a', text: `${a} again`, whole: true }], ['a']))
        const bindings = blocks ? [...redacting, blocking] : redacting
        const alone = play(bindings, events, { vault })
        const inspector = inspectStream(bindings, {}, streamHow({ vault }))
        const released: Released[] = []
        for (let at = 0, i = 0; at < events.length; at += sizes[i % sizes.length]!, i++)
          released.push(...inspector.pushAll(events.slice(at, at + sizes[i % sizes.length]!)))
        released.push(...inspector.end())
        assert.equal(inspector.blocked?.rule, alone.blocked?.rule)
        const said = (one: readonly Released[]): string => Buffer.concat(one.map(({ wire }) => wire)).toString()
        if (alone.blocked === undefined) assert.equal(said(released), said(alone.released))
        else assert.ok(said(alone.released).startsWith(said(released)))
      },
    ),
    { numRuns: 400 },
  )
})

function deltasOf(channel: string, whole: string, places: readonly number[]): Delta[] {
  return pieces(whole, places).map((piece) => ({ channel, text: piece }))
}

/** Two channels' deltas in any order, sometimes two in one event. */
function mixed(a: readonly Delta[], b: readonly Delta[], turns: Iterator<boolean>) {
  const [left, right] = [[...a], [...b]]
  const events = []
  while (left.length + right.length > 0) {
    const first = (turns.next().value === true ? left : right).shift() ?? left.shift() ?? right.shift()!
    const second = turns.next().value === true ? right.shift() : undefined
    events.push(eventOf(second === undefined ? [first] : [first, second]))
  }
  return events
}

function wholeTexts(bindings: readonly Binding[], texts: Record<string, string>) {
  const parts = Object.entries(texts).map(([path, one]) => textPart(one, { path }))
  const how = { mode: 'enforce', vault, now: () => 0n, signal: new AbortController().signal } as const
  const inspection = inspectParts(bindings, { stage: 'response', parts, bodyBytes: 0, facts }, how) as Inspection
  const wire = Object.fromEntries(parts.map((part) => [part.path, edited(part, inspection.edits)]))
  const store = Object.fromEntries(parts.map((part) => [part.path, edited(part, inspection.storeEdits)]))
  return { inspection, wire, store }
}

/** Each string of a JSON value as `inspectParts` sends it on. */
function leafByLeaf(value: unknown): unknown {
  if (typeof value === 'string') return wholeTexts(redacting, { value }).wire.value
  if (Array.isArray(value)) return value.map(leafByLeaf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [leafByLeaf(name), leafByLeaf(one)]))
}

function sorted(findings: readonly Finding[]): string[] {
  return findings.map((one) => JSON.stringify(one)).sort()
}

test('a value found that overlaps others like it is told once, wherever the text is cut', () => {
  // What is found first also stands across its own end, where it is masked in what is stored, and no finding.
  const mail = expression(
    'MAIL',
    /[a-z.]{1,12}@[a-z-]{1,12}\.[a-z.]{2,10}/,
    /[a-z.]{1,12}(?:@(?:[a-z-]{1,12}(?:\.[a-z.]{0,10})?)?)?$/,
  )
  const whole = 'ann.lee@corp.net'.repeat(4)
  const found = (texts: readonly string[]): unknown =>
    play([bound(detector(mail), 'flag')], deltas('a', texts)).result.findings.map(({ start, end }) => [start, end])
  for (let cut = 0; cut <= whole.length; cut++)
    assert.deepEqual(found([whole.slice(0, cut), whole.slice(cut)]), found([whole]), String(cut))
})

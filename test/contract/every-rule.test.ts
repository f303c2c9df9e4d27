import assert from 'node:assert/strict'
import test from 'node:test'
import type { Pack, Rule } from '../../src/detect/pack.ts'
import { compileRules } from '../../src/detect/rule-book.ts'
import type { RuleSet } from '../../src/detect/rule-set.ts'
import type { Binding } from '../../src/inspect/binding.ts'
import { inspectStream, type StreamEvent, type StreamHow } from '../../src/inspect/stream.ts'
import { bound, detector, streamHow } from '../support/inspection.ts'
import { packs } from '../support/packs.ts'

// Every cut of every text takes minutes: SWEEP=full does that.
const full = process.env['SWEEP'] === 'full'
// What look-aheads and checks read behind a value.
const tails = ['.5', '.net', '-1', '(', ' = x', ' bytes', ': 80', '"', ' and no more']
const all = compileRules(packs, {})

for (const pack of packs) {
  test(`the rules of ${pack.id} find the same in a stream as in the whole text, wherever it is cut`, () => {
    const random = randomFrom(pack.rules.length)
    for (const rule of pack.rules) {
      const own = compileRules([{ ...pack, rules: [rule] }], {})
      for (const text of textsOf(rule, own, random)) {
        compare(own, text, random, `${pack.id}/${rule.id}`)
        if (full || random() < 0.03) compare(all, text, random, `all rules, ${rule.id}`)
      }
    }
  })
}

test('nothing that is found begins or ends within a character, and streams may cut characters in two', () => {
  const random = randomFrom(7)
  const signs = ['\u{1f600}', '\u{1d41a}', '\u{1f1e9}\u{1f1ea}', '\u{20bb7}']
  const examples = packs.flatMap(({ rules }) => rules.flatMap((rule) => rule.examples.match))
  for (const example of examples.filter(() => full || random() < 0.25)) {
    const { start = 0, end = example.length } = all.find(example)[0] ?? {}
    const at = [start, end, Math.floor(random() * example.length)][Math.floor(random() * 3)]!
    const sign = signs[Math.floor(random() * signs.length)]!.repeat(random() < 0.2 ? 30 : 1)
    const text = `${example.slice(0, at)}${sign}${example.slice(at)}`
    const isWhole = (place: number): boolean => !/[\ud800-\udbff]$/.test(text.slice(0, place))
    for (const match of all.find(text)) assert.ok(isWhole(match.start) && isWhole(match.end), match.rule)
    if (full || random() < 0.1) compare(all, text, random, example)
  }
  const address = `mara@mail.i${'\u{1f600}'.repeat(20)}`
  const [match] = all.find(address)
  assert.ok(match !== undefined && (match.end - 'mara@mail.i'.length) % 2 === 0)
})

test('what stands before a value, however far, counts in a stream', () => {
  const lines = Array.from({ length: 5 }, (_, i) => `  key${i}: ${'c29tZXRoaW5n'.repeat(30)}\n`).join('')
  const text = `apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\ndata:\n${lines}  last: a1E3VmIyd1B6OVRt\nThat is all.`
  const bindings = [bound(detector(kubernetes()), 'redact')]
  const whole = played(bindings, [text])
  assert.ok(whole.wire.includes('last: [REDACTED:SECRET:kubernetes]'))
  assert.deepEqual(played(bindings, text.match(/[\s\S]{1,7}/g) ?? []), whole)
})

function kubernetes(): RuleSet {
  const isMeant = ({ id }: Rule): boolean => id === 'kubernetes-secret-value-6'
  return compileRules(
    packs.map((pack: Pack) => ({ ...pack, rules: pack.rules.filter(isMeant) })),
    {},
  )
}

/** The examples alone, within prose, and cut off behind what was found with something else after it. */
function textsOf({ examples }: Rule, own: RuleSet, random: () => number): string[] {
  const tried = [...examples.match, ...examples.noMatch].filter((_, i) => full || i === 0 || random() < 0.25)
  return tried.flatMap((example) => {
    const end = own.find(example)[0]?.end ?? example.length
    const behind = tails.filter(() => full || random() < 0.05).map((tail) => `${example.slice(0, end)}${tail}`)
    const prose = `As we said before, the thing is here: ${example} and that was all of it, more or less.`
    return full ? [example, prose, ...behind] : [random() < 0.2 ? prose : example, ...behind]
  })
}

function compare(rules: RuleSet, text: string, random: () => number, name: string): void {
  const bindings = [bound(detector(rules), 'redact')]
  const whole = played(bindings, [text])
  const cuts = Array.from({ length: text.length - 1 }, (_, i) => i + 1)
  const tried = full ? cuts : cuts.filter(() => random() < 1.5 / text.length)
  const ways = tried.map((cut) => [text.slice(0, cut), text.slice(cut)])
  if (full || random() < 0.1) ways.push([...text])
  ways.push(deltas(text, random))
  for (const way of ways) assert.deepEqual(played(bindings, way), whole, `${name}: cut at ${way[0]!.length}`)
}

function deltas(text: string, random: () => number): string[] {
  const out: string[] = []
  for (let at = 0; at < text.length; at += out.at(-1)!.length) out.push(text.slice(at, at + 1 + random() * 7))
  return out
}

function played(bindings: readonly Binding[], texts: readonly string[]): { wire: string; found: string[] } {
  const inspector = inspectStream(bindings, {}, how)
  const released = texts.flatMap((text) => [...inspector.push(eventOf(text))])
  released.push(...inspector.end())
  const wire = Buffer.concat(released.map((one) => one.wire)).toString('utf16le')
  const { findings } = inspector.result()
  return { wire, found: findings.map(({ rule, type, start, end }) => `${start}-${end} ${rule} ${type}`).sort() }
}

// Halves of characters stay what they are.
const how: StreamHow = streamHow({
  holdbackChars: 99_999,
  encode: (text) => Buffer.from(text, 'utf16le'),
  applyEdits: (raw, edits) =>
    edits.reduceRight((out, { start, end, replacement }) => out.slice(0, start) + replacement + out.slice(end), raw),
})

/** An event that says nothing but its text. */
function eventOf(text: string): StreamEvent {
  const place = { start: 0, end: text.length, spelling: [] }
  const about = { role: 'assistant', kind: 'message', path: 'a', channel: 'a', whole: false, fragment: 'text' } as const
  return { bytes: Buffer.from(text, 'utf16le'), text, charset: 'utf8', parts: [{ text, place, ...about }], ends: [] }
}

/** Mulberry32: the same numbers in every run. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

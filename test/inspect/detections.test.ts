import assert from 'node:assert/strict'
import test from 'node:test'
import type { Match } from '../../src/core/verdict.ts'
import { compileRules, passesOver, ruleBook } from '../../src/detect/index.ts'
import { detections, isDetecting, MOST_MATCHES, SLICE } from '../../src/inspect/detections.ts'
import type { Detected } from '../../src/inspect/detections.ts'
import { bound, detector, judge, keyRule, textPart } from '../support/inspection.ts'
import { packs } from '../support/packs.ts'

const book = ruleBook(packs)
const secrets = book.choose({ types: ['SECRET'], minConfidence: 0.8 })
const pii = book.choose({ exclude: ['SECRET'] })

function drained(steps: Generator<void, readonly Detected[]>): { detected: readonly Detected[]; yields: number } {
  for (let yields = 0; ; yields++) {
    const step = steps.next()
    if (step.done === true) return { detected: step.value, yields }
  }
}

const matchesOf = ({ outcome }: Detected, parts: number): (readonly Match[])[] =>
  'cause' in outcome ? [] : Array.from({ length: parts }, (_, part) => outcome.in(part))

const foundBy = (detected: Detected): string[][] =>
  matchesOf(detected, 2).map((matches) => matches.map((match) => match.type))

test('detectors of one book go through a text once, and share the time', () => {
  let clock = 0n
  const texts = ['use AKIAQ3EGTSK7DYM4XWZN', 'dora@north-hill.org']
  const bindings = [secrets, keyRule, pii].map((rules) => bound(detector(rules), 'flag')).filter(isDetecting)
  const { detected, yields } = drained(
    detections(
      bindings,
      texts.map((text) => textPart(text)),
      () => (clock += 100n),
    ),
  )
  assert.equal(passesOver(bindings.map(({ hook }) => hook.rules)).length, 2)
  assert.deepEqual(detected.map(foundBy), [
    [['SECRET:aws-access-key'], []],
    [[], []],
    [[], ['EMAIL']],
  ])
  assert.deepEqual(
    detected.map(({ binding, nanoseconds }) => [binding, nanoseconds]),
    bindings.map((binding, i) => [binding, i === 1 ? 100n : 50n]),
  )
  assert.equal(yields, 0)
})

test('it yields after each slice, within a text too, and finds what it finds without', () => {
  const alone = compileRules(packs, { types: ['SECRET'], minConfidence: 0.8 })
  const filler = 'lorem ipsum dolor sit amet, '.repeat(Math.ceil(SLICE / 28))
  const key = 'AKIAQ3EGTSK7DYM4XWZN'
  const long = `${filler.slice(0, SLICE - 7)} ${key} ${filler} password = "tree-7-house" ${filler.slice(0, 50_000)}`
  for (const [texts, expected] of [
    [[long], 2],
    [[long, 'x'.repeat(SLICE)], 3],
    [Array.from({ length: 5 }, () => filler.slice(0, SLICE / 2)), 2],
    [['short', 'texts'], 0],
  ] as const) {
    const parts = texts.map((text) => textPart(text))
    const { detected, yields } = drained(
      detections([bound(detector(secrets), 'flag')].filter(isDetecting), parts, () => 0n),
    )
    const [one] = detected
    assert.ok(one !== undefined && 'in' in one.outcome)
    const expectedMatches = texts.map((text) => alone.find(text))
    assert.deepEqual(matchesOf(one, texts.length), expectedMatches)
    assert.deepEqual(
      one.outcome.some,
      expectedMatches.flatMap((matches, part) => (matches.length > 0 ? [part] : [])),
    )
    // What costs more than characters do, such as tries of rules, makes slices shorter.
    assert.ok(yields >= expected && yields <= 2 * expected, String(yields))
  }
})

test('a pass that fails fails for those that share it, and for no other', () => {
  const broken = { ...keyRule, digest: 'broken', find: () => assert.fail('broken') }
  const bindings = [broken, keyRule, broken].map((rules) => bound(detector(rules), 'flag')).filter(isDetecting)
  const { detected } = drained(detections(bindings, [textPart('AK1234')], () => 0n))
  assert.deepEqual(
    detected.map(({ outcome }) => 'cause' in outcome),
    [true, false, true],
  )
  assert.equal(
    isDetecting(
      bound(
        judge(() => ({ findings: [] })),
        'flag',
      ),
    ),
    false,
  )
})

test('more findings than any message has are a failure, in one text and in many', () => {
  const rules = book.choose({ types: ['EMAIL'] })
  const one = 'a@b.co '
  const most = Array.from({ length: MOST_MATCHES }, () => textPart(one.trim()))
  for (const [parts, fails] of [
    [[textPart(one.repeat(MOST_MATCHES + 1))], true],
    [[textPart(one.repeat(MOST_MATCHES - 1)), textPart(one)], false],
    [most, false],
    [[...most, textPart('dora@north-hill.org')], true],
  ] as const) {
    const [detected] = drained(
      detections([bound(detector(rules), 'flag')].filter(isDetecting), parts, () => 0n),
    ).detected
    assert.equal(detected !== undefined && 'cause' in detected.outcome, fails)
  }
})

import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import { compileRules, ruleBook } from '../../src/detect/index.ts'
import { inspectStream } from '../../src/inspect/stream.ts'
import {
  bound,
  channelsOf,
  deltas,
  detector,
  emailRule,
  eventOf,
  expression,
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
import { packs, packTexts } from '../support/packs.ts'

const vault = newVault()
const { tokens } = hardTexts(vault)

test('a value that comes again without its context is not stored either', () => {
  const rules = expression('SECRET:password', /(?<=password: )\w+/, /\bp[a-z]*(?:: ?\w*)?$/)
  const events = deltas('a', ['password: hunt', 'er22. So ', 'take hunt', 'er22x. '])
  const { wire, store } = play([bound(detector(rules), 'flag')], events)
  assert.equal(wire.a, 'password: hunter22. So take hunter22x. ')
  assert.equal(store.a, 'password: [REDACTED:SECRET:password]. So take [REDACTED]x. ')
})

test('a placeholder next to letters is restored at every cut', () => {
  const answer = `user${tokens[1]}name`
  for (let cut = 0; cut <= answer.length; cut++) {
    const { wire, store, result } = play([], deltas('a', pieces(answer, [cut])), { vault })
    assert.deepEqual([wire.a, store.a, result.restored], ['userS3cr3t/+=name', answer, 1])
  }
})

test('with nothing found the very same bytes leave, at once', () => {
  const inspector = inspectStream(redacting, {}, streamHow())
  for (const piece of ['Hello. ', 'Nothing here! ', '{}', '😀 ']) {
    const event = eventOf([{ channel: 'a', text: piece }])
    const [only, ...more] = inspector.push(event)
    assert.ok(only?.wire === event.bytes && only.store === event.bytes && more.length === 0)
    assert.equal(inspector.deadline(), undefined)
  }
})

test('a block stops at the event in which the value begins, and only the store sees the rest', () => {
  const bindings = [bound(detector(keyRule), 'block', { name: 'no keys' })]
  const events = deltas('a', ['Fine. ', 'see A', 'K12', '34 now. ', 'More AK5678. '])
  const { wire, store, blocked, result } = play(bindings, events)
  assert.equal(wire.a, 'Fine. ')
  assert.equal(store.a, 'Fine. see [REDACTED:SECRET:key] now. ')
  assert.deepEqual(blocked, { rule: 'no keys' })
  assert.deepEqual([result.decision, result.rule, result.findings.length], ['block', 'no keys', 1])
})

test('a block after a mask lets the masked events before it go', () => {
  const bindings = [...redacting, bound(detector(expression('STOP', /STOP/, /S(?:$|T(?:$|O$))/)), 'block')]
  for (let cut = 0; cut < 20; cut++) {
    const { wire, blocked } = play(bindings, deltas('a', ['AK1234 ', ...pieces('and then STOP it now', [cut])]))
    assert.ok(wire.a?.startsWith('[REDACTED:SECRET:key] ') && !wire.a.includes('STO'), String(wire.a))
    assert.deepEqual(blocked, { rule: 'block rule' })
  }
})

test('a complete text that repeats others is inspected alone and its findings are not listed twice', () => {
  const events = [
    ...deltas('a', ['mail ann@co', 'rp.org now. ']),
    eventOf([{ channel: 'a', text: 'mail ann@corp.org now. ', whole: true }], ['a']),
  ]
  const { released, result } = play(redacting, events)
  assert.equal(channelsOf([released.at(-1)!.wire]).a, 'mail [REDACTED:EMAIL] now. ')
  assert.equal(result.findings.length, 1)
})

test('a complete text that no delta told before is found and can block', () => {
  const bindings = [bound(detector(keyRule), 'block')]
  const { wire, blocked } = play(bindings, [
    ...deltas('a', ['Hi. ']),
    eventOf([{ channel: 'b', text: 'AK1234', whole: true }]),
  ])
  assert.deepEqual([wire, blocked], [{ a: 'Hi. ' }, { rule: 'block rule' }])
})

test('observing changes nothing on the wire and masks the store', () => {
  const bindings = [bound(detector(keyRule), 'block'), bound(detector(emailRule), 'redact')]
  const events = deltas('a', ['AK12', '34 ann@corp.org. '])
  const { wire, store, released, blocked, result } = play(bindings, events, { mode: 'observe' })
  assert.equal(wire.a, 'AK1234 ann@corp.org. ')
  assert.ok(released.every((one, i) => one.wire === events[i]!.bytes))
  assert.equal(store.a, '[REDACTED:SECRET:key] [REDACTED:EMAIL]. ')
  assert.deepEqual([blocked, result.decision], [undefined, 'flag'])
})

test('a signed text keeps its bytes, is flagged, and is masked in the store', () => {
  const delta: Delta = { channel: 'a', text: 'AK1234. ', sealed: true }
  const { wire, store, result } = play(redacting, [eventOf([delta])])
  assert.deepEqual([wire.a, store.a], ['AK1234. ', '[REDACTED:SECRET:key]. '])
  assert.deepEqual(
    result.findings.map((one) => [one.type, one.action]),
    [
      ['SECRET:key', 'flag'],
      ['SEALED', 'flag'],
    ],
  )
})

test('values known from the request are masked in the store only', () => {
  for (let cut = 0; cut < 14; cut++) {
    const { wire, store } = play([], deltas('a', pieces('x hunter2! y z', [cut])), {}, ['hunter2!'])
    assert.deepEqual([wire.a, store.a], ['x hunter2! y z', 'x [REDACTED] y z'])
  }
})

test('a detector that throws blocks or not, as its rule says', () => {
  const broken = { ...keyRule, find: () => assert.fail('broken') }
  const blocking = play([bound(detector(broken), 'flag')], deltas('a', ['Hi. ']))
  assert.deepEqual([blocking.wire, blocking.result.decision], [{}, 'block'])
  assert.equal(blocking.result.failed?.hook, 'test')
  const allowing = play([bound(detector(broken), 'flag', { onError: 'allow' })], deltas('a', ['Hi. ']))
  assert.deepEqual([allowing.wire.a, allowing.result.decision], ['Hi. ', 'allow'])
  assert.equal(allowing.result.hooks[0]?.verdict, 'error')
})

test('without rules and placeholders every event passes untouched', () => {
  const events = [...deltas('a', ['Q', 'X_', 'AK1234']), eventOf([], ['*'])]
  const inspector = inspectStream([], {}, streamHow())
  for (const event of events) assert.deepEqual(inspector.push(event), [{ wire: event.bytes, store: event.bytes }])
})

test('what a judge of the whole answer wants masked is masked in its stream', () => {
  const part = { ...eventOf([{ channel: 't', text: '{"a":"x \\"y"}', fragment: 'json' }]).parts[0]! }
  const plain = textPart('bad one')
  for (let cut = 0; cut < 14; cut++) {
    const inspector = inspectStream([], {}, streamHow())
    inspector.mask([
      { part: plain, start: 0, end: 3, replacement: '[REDACTED:BAD]' },
      { part, start: 6, end: 11, replacement: '[REDACTED:BAD]' },
      { part: plain, start: 4, end: 7, replacement: 'an original put back' },
    ])
    const events = [
      ...deltas('a', pieces('so bad one bad', [cut])),
      ...pieces('{"a":"x \\"y"}', [cut]).map((text) => eventOf([{ channel: 't', text, fragment: 'json' }])),
    ]
    const released = events.flatMap((event) => [...inspector.push(event)]).concat(inspector.end())
    const expected = { a: 'so [REDACTED:JUDGED] one [REDACTED:JUDGED]', t: '{"a":"[REDACTED:JUDGED]"}' }
    assert.deepEqual(channelsOf(released.map((one) => one.wire)), expected)
    assert.deepEqual(channelsOf(released.map((one) => one.store)), expected)
    assert.equal(inspector.result().findings.length, 0)
  }
})

test('bindings whose detectors share a pass do what bindings with their own do, however the stream is cut', () => {
  const book = ruleBook(packs)
  const choices = [
    ['redact', { types: ['SECRET'], minConfidence: 0.8 }],
    ['flag', { exclude: ['SECRET'], minConfidence: 0.5 }],
    ['tokenize', { packs: ['pii'], types: ['EMAIL', 'PHONE'] }],
  ] as const
  const shared = choices.map(([action, choice]) => bound(detector(book.choose(choice)), action))
  const apart = choices.map(([action, choice]) => bound(detector(compileRules(packs, choice)), action))
  const cuts = fc.array(fc.nat(), { maxLength: 30 })
  fc.assert(
    fc.property(packTexts, cuts, (text, places) => {
      const events = deltas('a', pieces(text, places))
      assert.deepEqual(play(shared, events, { vault: newVault() }), play(apart, events, { vault: newVault() }))
    }),
    { numRuns: 150 },
  )
})

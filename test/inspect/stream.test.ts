import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import type { Finding } from '../../src/core/verdict.ts'
import type { Binding, Inspection } from '../../src/inspect/binding.ts'
import { inspectParts } from '../../src/inspect/pipeline.ts'
import { inspectStream, type Released } from '../../src/inspect/stream.ts'
import {
  bound,
  channelsOf,
  detector,
  edited,
  emailRule,
  eventOf,
  expression,
  facts,
  keyRule,
  newVault,
  phraseRule,
  pieces,
  play,
  streamHow,
  textPart,
  type Delta,
} from '../support/inspection.ts'

const vault = newVault()
const tokens = [vault.placeholderFor('EMAIL', 'zed"\\\n@example.org'), vault.placeholderFor('SECRET:key', 'S3cr3t/+=')]
const redacting = [
  bound(detector(keyRule), 'redact'),
  bound(detector(emailRule), 'tokenize'),
  bound(detector(phraseRule), 'flag'),
]
// Without conditions on what stands beside, so that every occurrence of a value is a match.
const anywhere = [
  bound(detector(expression('KEY', /AK[0-9]{4}/, /A(?:$|K[0-9]{0,3}$)/)), 'flag'),
  ...redacting.slice(1),
]
const words = [
  'AK1234',
  'AK',
  'A',
  '12',
  'ann@corp.org',
  'a@b.co',
  'm',
  ' ',
  ' ',
  'from ',
  '@',
  '.',
  '😀',
  '"',
  '\\',
  'é',
  'Q',
  'QX_',
]
const text = fc
  .array(fc.oneof(fc.constantFrom(...words, ...tokens), fc.constant('lorem ipsum dolor '.repeat(40))), {
    maxLength: 14,
  })
  .map((some) => some.join(''))
const cuts = fc.array(fc.nat(3_000), { maxLength: 25 })

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

test('a value that comes again without its context is not stored either', () => {
  const rules = expression('SECRET:password', /(?<=password: )\w+/, /\bp[a-z]*(?:: ?\w*)?$/)
  const events = deltas('a', ['password: hunt', 'er22. So ', 'take hunt', 'er22x. '])
  const { wire, store } = play([bound(detector(rules), 'flag')], events)
  assert.equal(wire.a, 'password: hunter22. So take hunter22x. ')
  assert.equal(store.a, 'password: [REDACTED:SECRET:password]. So take [REDACTED]x. ')
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

test('a value over three events is replaced in the first and removed from the others', () => {
  const { wire, released } = play(redacting, deltas('a', ['mail an', 'n@cor', 'p.org now', ' done']))
  assert.equal(wire.a, 'mail [REDACTED:EMAIL] now done')
  const single = released.map((one) => channelsOf([one.wire]).a)
  assert.deepEqual(single, ['mail [REDACTED:EMAIL]', '', ' now', ' done'])
})

test('a placeholder next to letters is restored at every cut', () => {
  const answer = `user${tokens[1]}name`
  for (let cut = 0; cut <= answer.length; cut++) {
    const { wire, store, result } = play([], deltas('a', pieces(answer, [cut])), { vault })
    assert.deepEqual([wire.a, store.a, result.restored], ['userS3cr3t/+=name', answer, 1])
  }
})

test('a placeholder in tool arguments is restored as JSON spells it', () => {
  const document = JSON.stringify({ to: tokens[0], note: 1 })
  for (let cut = 0; cut <= document.length; cut++) {
    const events = pieces(document, [cut]).map((one) => eventOf([{ channel: 'tool', text: one, fragment: 'json' }]))
    const { wire, store } = play([], events, { vault })
    assert.deepEqual(JSON.parse(wire.tool!), { to: 'zed"\\\n@example.org', note: 1 })
    assert.equal(store.tool, document)
  }
})

test('a number in tool arguments is masked and the document stays JSON', () => {
  const rules = expression('CARD', /\b4[0-9]{15}\b/, /\b4[0-9]{0,15}$/)
  const bindings = [bound(detector(rules), 'redact')]
  const document = '{"card": 4111222233334444, "next": ["4111222233334444"], "neg":-4111222233334444}'
  for (let cut = 0; cut <= document.length; cut++) {
    const events = pieces(document, [cut]).map((one) => eventOf([{ channel: 'tool', text: one, fragment: 'json' }]))
    const { wire, store } = play(bindings, events)
    const expected = { card: 9999999999999999, next: ['[REDACTED:CARD]'], neg: -9999999999999999 }
    assert.deepEqual(JSON.parse(wire.tool!), expected)
    assert.deepEqual(JSON.parse(store.tool!), expected)
  }
})

test('a match over a quote in tool arguments leaves the quotes where they are', () => {
  const bindings = [bound(detector(expression('PAIR', /one","two/, /o(?:$|n(?:$|e.*$))/)), 'redact')]
  const { wire } = play(bindings, [eventOf([{ channel: 't', text: '{"a":["one","two"]}', fragment: 'json' }])])
  assert.deepEqual(JSON.parse(wire.t!), { a: ['[REDACTED:PAIR]', ''] })
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

test('an event leaves in the push that settles it', () => {
  const inspector = inspectStream([bound(detector(keyRule), 'redact')], {}, streamHow())
  const push = (piece: string): number => inspector.push(eventOf([{ channel: 'a', text: piece }])).length
  assert.equal(push('key AK'), 0)
  assert.equal(inspector.deadline(), 250)
  assert.equal(push('12'), 0)
  assert.equal(push(' no'), 3)
  assert.equal(push('.'), 1)
  assert.equal(inspector.deadline(), undefined)
})

test('an event that closes its channel lets it go', () => {
  const inspector = inspectStream(redacting, {}, streamHow())
  assert.equal(inspector.push(eventOf([{ channel: 'a', text: 'AK1234' }])).length, 0)
  const released = inspector.push(eventOf([], ['a']))
  assert.equal(channelsOf(released.map((one) => one.wire)).a, '[REDACTED:SECRET:key]')
  assert.equal(released.length, 2)
})

test('an event of another channel waits its turn', () => {
  const inspector = inspectStream(redacting, {}, streamHow())
  assert.equal(inspector.push(eventOf([{ channel: 'a', text: 'AK1' }])).length, 0)
  assert.equal(inspector.push(eventOf([{ channel: 'b', text: 'Fine. ' }])).length, 0)
  assert.equal(inspector.push(eventOf([])).length, 0)
  assert.equal(inspector.push(eventOf([{ channel: 'a', text: '?' }])).length, 4)
})

test('what waits too long leaves on the wire, and the stored copy waits for the decision', () => {
  let now = 0
  const inspector = inspectStream(redacting, {}, streamHow({ clock: () => now }))
  inspector.push(eventOf([{ channel: 'a', text: 'mail ann@co' }]))
  now = 249
  assert.equal(inspector.tick().length, 0)
  now = 250
  const forced = inspector.tick()
  assert.equal(channelsOf(forced.map((one) => one.wire)).a, 'mail ann@co')
  assert.deepEqual(
    forced.map((one) => one.store.length),
    [0],
  )
  assert.equal(inspector.deadline(), undefined)
  const rest = [...inspector.push(eventOf([{ channel: 'a', text: 'rp.org, ok' }])), ...inspector.end()]
  assert.equal(channelsOf(rest.map((one) => one.wire)).a, '[REDACTED:EMAIL], ok')
  assert.equal(channelsOf(rest.map((one) => one.store)).a, 'mail [REDACTED:EMAIL], ok')
  assert.deepEqual(
    inspector.result().findings.map((one) => [one.start, one.end]),
    [[5, 17]],
  )
})

test('a value that could still grow when its time is over is masked once', () => {
  let now = 0
  const inspector = inspectStream(redacting, {}, streamHow({ clock: () => now }))
  inspector.push(eventOf([{ channel: 'a', text: 'to ann@corp.or' }]))
  now = 300
  const forced = inspector.tick()
  assert.equal(channelsOf(forced.map((one) => one.wire)).a, 'to [REDACTED:EMAIL]')
  const rest = [...inspector.push(eventOf([{ channel: 'a', text: 'g!' }])), ...inspector.end()]
  assert.equal(channelsOf(rest.map((one) => one.wire)).a, '!')
  assert.equal(channelsOf([...forced, ...rest].map((one) => one.store)).a, 'to [REDACTED:EMAIL]!')
})

test('whenever time runs out, what is found and stored is the same, and nothing is sent twice', () => {
  fc.assert(
    fc.property(text, cuts, fc.infiniteStream(fc.boolean()), (a, places, late) => {
      let now = 0
      const inspector = inspectStream(redacting, {}, streamHow({ vault, clock: () => now, holdbackChars: 9_999 }))
      const released = deltas('a', pieces(a, places)).flatMap((event) => {
        const first = inspector.push(event)
        if (late.next().value) now += 300
        return [...first, ...inspector.tick()]
      })
      released.push(...inspector.end())
      const punctual = play(redacting, deltas('a', pieces(a, places)), { vault, holdbackChars: 9_999 })
      assert.deepEqual(channelsOf(released.map((one) => one.store)), punctual.store)
      assert.deepEqual(inspector.result().findings, punctual.result.findings)
      const sent = Buffer.concat(released.map((one) => one.wire))
        .toString('utf8')
        .split('\n\n').length
      assert.equal(sent, deltas('a', pieces(a, places)).length + 1)
    }),
    { numRuns: 1_000 },
  )
})

test('a channel never holds more than it may', () => {
  const rules = expression('LONG', /<[a-z]*>/, /<[a-z]*$/)
  const inspector = inspectStream([bound(detector(rules), 'redact')], {}, streamHow({ holdbackChars: 10 }))
  assert.equal(inspector.push(eventOf([{ channel: 'a', text: '<abcdefgh' }])).length, 0)
  const forced = inspector.push(eventOf([{ channel: 'a', text: 'ijk' }]))
  assert.equal(channelsOf(forced.map((one) => one.wire)).a, '<abcdefgh')
  const rest = [...inspector.push(eventOf([{ channel: 'a', text: '> x' }])), ...inspector.end()]
  assert.equal(channelsOf(rest.map((one) => one.wire)).a, '[REDACTED:LONG] x')
  assert.equal(channelsOf([...forced, ...rest].map((one) => one.store)).a, '[REDACTED:LONG] x')
})

test('a text that is pending for ever is stored in the end, and memory stays flat', () => {
  const rules = expression('LONG', /<[a-z]*>/, /<[a-z]*$/)
  const inspector = inspectStream([bound(detector(rules), 'redact')], {}, streamHow())
  let [wire, store, most] = [0, 0, 0]
  const event = eventOf([{ channel: 'a', text: 'abcdefgh' }])
  const released: Released[] = [...inspector.push(eventOf([{ channel: 'a', text: '<' }]))]
  for (let i = 0; i < 5_000; i++) {
    released.push(...inspector.push(event))
    for (const one of released.splice(0)) {
      wire += one.wire.length
      store += one.store.length
    }
    most = Math.max(most, wire - store)
  }
  assert.ok(store > 0 && most < 10 * 8_192, `${most} bytes were waiting for the store`)
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

test('a block that is due when its time is over still blocks', () => {
  let now = 0
  const inspector = inspectStream([bound(detector(keyRule), 'block')], {}, streamHow({ clock: () => now }))
  assert.equal(inspector.push(eventOf([{ channel: 'a', text: 'key AK1234' }])).length, 0)
  now = 300
  const released = inspector.tick()
  assert.deepEqual(
    released.map((one) => one.wire.length),
    [0],
  )
  assert.deepEqual(inspector.blocked, { rule: 'block rule' })
  assert.equal(inspector.push(eventOf([{ channel: 'a', text: ' more' }])).length, 0)
  assert.equal(inspector.end().length, 0)
  assert.equal(inspector.result().findings.length, 1)
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

function deltas(channel: string, texts: readonly string[]) {
  return texts.map((piece) => eventOf([{ channel, text: piece }]))
}

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

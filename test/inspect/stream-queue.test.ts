import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import { inspectStream, type Released } from '../../src/inspect/stream.ts'
import {
  bound,
  channelsOf,
  deltas,
  detector,
  eventOf,
  expression,
  hardTexts,
  keyRule,
  newVault,
  pieces,
  play,
  redacting,
  streamHow,
} from '../support/inspection.ts'

const vault = newVault()
const { text } = hardTexts(vault)
const cuts = fc.array(fc.nat(3_000), { maxLength: 25 })

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

test('a text that goes on is waited for, but not for ever', () => {
  const played = (every: number, texts: readonly string[]): string => {
    let now = 0
    const inspector = inspectStream(redacting, {}, streamHow({ clock: () => now }))
    const released = deltas('a', texts).flatMap((event) => {
      const first = inspector.push(event)
      now += every
      return [...first, ...inspector.tick()]
    })
    released.push(...inspector.end())
    return channelsOf(released.map((one) => one.wire)).a ?? ''
  }
  const slow = [...'mail ann@corp.org, ok']
  assert.equal(played(100, slow), 'mail [REDACTED:EMAIL], ok')
  assert.equal(played(249, [...'mail a@b.org, ok']), 'mail [REDACTED:EMAIL], ok')
  assert.match(played(251, slow), /^mail ann/)
  assert.match(played(249, [...'mail annabelle@corp.org, ok']), /^mail a/)
})

test('the rest of a placeholder is waited for longer, and no value is put behind a beginning that left', () => {
  for (const [every, whole] of [
    [100, true],
    [1_000, false],
  ] as const) {
    let now = 0
    const own = newVault()
    const placeholder = own.placeholderFor('EMAIL', 'zoe@corp.org')
    const inspector = inspectStream(redacting, {}, streamHow({ clock: () => now, vault: own }))
    const released = deltas('a', [
      `to ${placeholder.slice(0, 2)}`,
      ...placeholder.slice(2).match(/.{1,3}/g)!,
      ' now',
    ]).flatMap((event) => {
      const first = inspector.push(event)
      now += every
      return [...first, ...inspector.tick()]
    })
    released.push(...inspector.end())
    const wire = channelsOf(released.map((one) => one.wire)).a ?? ''
    assert.equal(wire, whole ? 'to zoe@corp.org now' : `to ${placeholder} now`)
    assert.deepEqual([inspector.result().restored, inspector.result().unrestored], whole ? [1, 0] : [0, 1])
  }
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

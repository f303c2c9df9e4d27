import assert from 'node:assert/strict'
import test from 'node:test'
import {
  bound,
  channelsOf,
  deltas,
  detector,
  eventOf,
  expression,
  hardTexts,
  newVault,
  pieces,
  play,
  redacting,
} from '../support/inspection.ts'

const vault = newVault()
const { tokens } = hardTexts(vault)

test('a value over three events is replaced in the first and removed from the others', () => {
  const { wire, released } = play(redacting, deltas('a', ['mail an', 'n@cor', 'p.org now', ' done']))
  assert.equal(wire.a, 'mail [REDACTED:EMAIL] now done')
  const single = released.map((one) => channelsOf([one.wire]).a)
  assert.deepEqual(single, ['mail [REDACTED:EMAIL]', '', ' now', ' done'])
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
    const expected = JSON.parse('{"card":9999999999999999,"next":["[REDACTED:CARD]"],"neg":-9999999999999999}')
    assert.deepEqual(JSON.parse(wire.tool!), expected)
    assert.deepEqual(JSON.parse(store.tool!), expected)
  }
})

test('a match over a quote in tool arguments leaves the quotes where they are', () => {
  const bindings = [bound(detector(expression('PAIR', /one","two/, /o(?:$|n(?:$|e.*$))/)), 'redact')]
  const { wire } = play(bindings, [eventOf([{ channel: 't', text: '{"a":["one","two"]}', fragment: 'json' }])])
  assert.deepEqual(JSON.parse(wire.t!), { a: ['[REDACTED:PAIR]', ''] })
})

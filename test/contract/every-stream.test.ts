import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ruleBook } from '../../src/detect/index.ts'
import type { Inspection } from '../../src/inspect/binding.ts'
import { inspectParts } from '../../src/inspect/pipeline.ts'
import { inspectStream } from '../../src/inspect/stream.ts'
import { applyEdits, encodeBody } from '../../src/providers/json-text.ts'
import { bound, detector, edited, facts, newVault, pieces, streamHow, textPart } from '../support/inspection.ts'
import { packs } from '../support/packs.ts'
import { speakers } from '../support/speakers.ts'
import type { Speaker } from '../support/speakers.ts'

const vault = newVault()
const original = 'zed"\\\n\u00e9@example.org'
const ours = vault.placeholderFor('EMAIL', original)
const strange = ours.slice(0, -1) + (ours.endsWith('0') ? '1' : '0')
const book = ruleBook(packs)
const bindings = [
  bound(detector(book.choose({ types: ['SECRET'] })), 'redact'),
  bound(detector(book.choose({ types: ['EMAIL', 'CREDIT_CARD', 'IBAN', 'PHONE'] })), 'tokenize'),
]

/** Values of each kind: plain, disguised, restored, of somebody else; and what only looks like the beginning of one. */
const words = [
  'ann.lee@corp-mail.net',
  'the card 4929 1234 5678 9016',
  '４９２９１２３４５６７８９０１６',
  'DE89\u200b370400440532013000',
  `AKIA${'Q3EGTSK7DYM4XWZN'}`,
  'password: hunter2-Tango9!x',
  ours,
  `x${ours}y`,
  strange,
  'Q',
  'QX_EMA',
  ' 😀 ',
  ' \ud83d\ude00@é',
  '"quoted" \\ back\nslash\t',
  ' ',
  '. ',
  ' and so on ',
  'mail ',
  'call +44 20 7946 0958 now',
]
const long = words.join(' ')
// Without what a neighbouring field could be context of.
const fields = words.filter((word) => !/[0-9０-９]{4} ?[0-9０-９]{4}/.test(word))
const textOf = (some: readonly string[]): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...some), { minLength: 1, maxLength: 10 }).map((all) => all.join(''))
const text = textOf(words)
const cuts = fc.array(fc.nat(2_000), { maxLength: 20 })
const how = { mode: 'enforce', vault, now: () => 0n, signal: new AbortController().signal } as const

for (const [name, speaker] of Object.entries(speakers)) {
  test(`${name}: a text cut anywhere says the same as the whole text`, () => {
    // At every place in one dialect: the others share what puts texts together.
    const step = name === 'Anthropic' ? 1 : 5
    for (let cut = 0; cut <= long.length; cut += step) sameAsWhole(speaker, long, pieces(long, [cut]))
    sameAsWhole(speaker, long, [...long])
    sameAsWhole(speaker, long, long.split(''))
    fc.assert(
      fc.property(text, cuts, (one, places) => sameAsWhole(speaker, one, pieces(one, places))),
      { numRuns: 25 },
    )
  })

  const { args } = speaker
  if (args !== undefined)
    test(`${name}: tool arguments cut anywhere stay JSON and say the same as whole ones`, () => {
      const spelled = fc.tuple(
        fc.dictionary(fc.constantFrom('a', 'to', 'b c'), textOf(fields), { minKeys: 1 }),
        fc.boolean(),
      )
      const check = (fields: object, escaped: boolean, places: readonly number[]): void => {
        const plain = JSON.stringify({ ...fields, n: 12, inner: JSON.stringify(fields), list: [fields, true] })
        const document = escaped ? plain.replace(/[^\x00-\x7f@/]|[@/]/g, asEscape) : plain
        const played = play(speaker, args(pieces(document, places)))
        const one = play(speaker, args([document]))
        assert.deepEqual(JSON.parse(played.said), leafByLeaf(JSON.parse(document)))
        assert.equal(played.said, one.said)
        assert.deepEqual(played.findings, one.findings)
        assert.ok(!played.stored.includes('zed'))
      }
      const document = JSON.stringify({ to: ours, say: 'ann.lee@corp-mail.net "so"' })
      for (let cut = 0; cut <= 3 * document.length; cut += 2)
        check({ to: ours, say: 'ann.lee@corp-mail.net' }, true, [cut])
      fc.assert(
        fc.property(spelled, cuts, ([fields, escaped], places) => check(fields, escaped, places)),
        { numRuns: 25 },
      )
    })

  test(`${name}: a blocked value leaves nothing of itself, and the error event ends the stream`, () => {
    const blocking = [bound(detector(book.choose({ types: ['EMAIL'] })), 'block')]
    const said = 'Hello there. Mail ann.lee@corp-mail.net, please. And more.'
    for (let cut = 0; cut <= said.length; cut++) {
      const { said: wire, blocked } = play(speaker, speaker.text(pieces(said, [cut])), blocking)
      assert.ok(blocked && 'Hello there. Mail '.startsWith(wire), wire)
    }
    const refusal = { code: 'sallyport_blocked', status: 403, message: 'no "way"' }
    const event = Buffer.from(speaker.provider.refuseEvent(refusal, speaker.about))
    assert.ok(event.includes('no \\"way\\"'))
  })
}

test('texts that grow side by side do not mix, whatever the order of their deltas', () => {
  const { about, provider } = speakers['OpenAI chat'] as Speaker
  fc.assert(
    fc.property(fc.tuple(text, text, text), fc.array(fc.tuple(fc.nat(2), fc.nat(9))), (texts, turns) => {
      const rest = [...texts]
      const order = [...turns, [0, 9_999], [1, 9_999], [2, 9_999]] as const
      const events = order.map(([index, length]) => {
        const content = (rest[index] as string).slice(0, length)
        rest[index] = (rest[index] as string).slice(length)
        return Buffer.from(`data: ${JSON.stringify({ choices: [{ index, delta: { content } }] })}\n\n`)
      })
      const { channels } = play({ about, provider }, events)
      for (const [index, one] of texts.entries())
        assert.equal(channels.get(`choice:${index}:content`) ?? '', wholeOf(one).wire)
    }),
    { numRuns: 25 },
  )
})

function sameAsWhole(speaker: Speaker, one: string, cut: readonly string[]): void {
  const { said, findings, stored, restored } = play(speaker, speaker.text(cut))
  const whole = wholeOf(one)
  assert.equal(said, whole.wire, JSON.stringify(cut))
  assert.deepEqual(findings, whole.findings)
  assert.equal(restored, whole.restored)
  assert.ok(!stored.includes('zed'))
}

/** A stream through reader and inspector; what a client reads of it, by a reader of its own. */
function play(speaker: Pick<Speaker, 'provider' | 'about'>, events: readonly Uint8Array[], bound = bindings) {
  const reader = speaker.provider.reader(speaker.about)
  assert.ok(reader !== undefined)
  const inspector = inspectStream(bound, {}, streamHow({ vault, holdbackChars: 9_999, applyEdits, encode: encodeBody }))
  const read = events.flatMap((bytes) => [...reader.push(bytes)]).concat(reader.end())
  const released = read.flatMap((event) => [...inspector.push(event)]).concat(inspector.end())
  const channels = told(speaker, Buffer.concat(released.map(({ wire }) => wire)), true)
  const { findings, restored } = inspector.result()
  const [said = ''] = channels.values()
  const stored = [...told(speaker, Buffer.concat(released.map(({ store }) => store))).values()].join('\n')
  const blocked = inspector.blocked !== undefined
  return { said, channels, stored, blocked, restored, findings: listed(findings) }
}

function told({ provider, about }: Pick<Speaker, 'provider' | 'about'>, bytes: Uint8Array, wire = false) {
  const reader = provider.reader(about)
  const channels = new Map<string, string>()
  for (const { parts } of [...(reader?.push(bytes) ?? []), ...(reader?.end() ?? [])])
    for (const { channel, text: piece, whole, kind } of parts) {
      const before = channels.get(channel) ?? ''
      if (whole && (kind === 'tool-arguments' || kind === 'tool-definition' || !wire)) continue
      if (whole) assert.equal(piece, before, 'what is said again is what was said')
      else channels.set(channel, before + piece)
    }
  return channels
}

function wholeOf(one: string) {
  const part = textPart(one)
  const input = { stage: 'response', parts: [part], bodyBytes: 0, facts } as const
  const inspection = inspectParts(bindings, input, how) as Inspection
  const { findings, restored } = inspection
  return { wire: edited(part, inspection.edits), findings: listed(findings), restored }
}

function listed(findings: Inspection['findings']): string[] {
  return findings.map(({ type, rule, start, end, action }) => `${type} ${rule} ${start} ${end} ${action}`).sort()
}

function leafByLeaf(value: unknown): unknown {
  if (typeof value === 'string') return wholeOf(value).wire
  if (Array.isArray(value)) return value.map(leafByLeaf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [leafByLeaf(key), leafByLeaf(one)]))
}

function asEscape(char: string): string {
  return char === '/' ? '\\/' : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}

import * as fc from 'fast-check'
import type { Edit, TextPart } from '../../src/core/text.ts'
import type { Action, Match } from '../../src/core/verdict.ts'
import type { RuleSet } from '../../src/detect/index.ts'
import type { Binding, Inspection } from '../../src/inspect/binding.ts'
import type { BoundHook, ExchangeFacts, Judge } from '../../src/inspect/hook.ts'
import {
  inspectStream,
  type Released,
  type StreamEvent,
  type StreamHow,
  type StreamPart,
} from '../../src/inspect/stream.ts'
import { createVault, type Vault } from '../../src/inspect/tokens.ts'

/** A rule set of one expression; `begun` finds, at the end of a text, what could become a match. */
export function expression(type: string, whole: RegExp, begun: RegExp, confidence = 1): RuleSet {
  const all = new RegExp(whole.source, whole.flags.includes('g') ? whole.flags : `${whole.flags}g`)
  return {
    digest: `${type} ${whole.source}`,
    wants: (match) => match.type === type,
    find: (text) =>
      [...text.matchAll(all)].map(({ index, 0: { length } }): Match => {
        return { type, rule: type.toLowerCase(), start: index, end: index + length, confidence, severity: 'high' }
      }),
    pendingFrom: (text) => {
      const at = text.search(begun)
      return at === -1 ? text.length : at
    },
  }
}

/** Needs the character on either side. */
export const keyRule = expression('SECRET:key', /\bAK[0-9]{4}\b/, /\bA(?:$|K[0-9]{0,4}$)/)

/** Can grow at its end, and its beginning is any word. */
export const emailRule = expression(
  'EMAIL',
  /[a-z0-9]{1,12}@[a-z]{1,8}\.[a-z]{2,3}/,
  /[a-z0-9]{1,12}(?:@(?:[a-z]{1,8}(?:\.[a-z]{0,3})?)?)?$/,
)

/** Overlaps with the others. */
const phraseRule = expression('PHRASE', /from [a-z0-9]+@/, /(?:f|fr|fro|from|from [a-z0-9]*)$/, 0.5)

export const facts: ExchangeFacts = {
  door: 'proxy',
  clientIp: '127.0.0.1',
  principal: null,
  host: 'api.example',
  port: '443',
  path: '/v1/chat',
  method: 'POST',
  provider: 'openai',
  operation: 'chat',
  model: 'm',
}

export function detector(rules: RuleSet, name = 'test'): BoundHook {
  return { name, stages: ['request', 'response'], kind: 'detector', rules }
}

export function judge(inspect: Judge, name = 'judge'): BoundHook {
  return { name, stages: ['connection', 'request', 'response'], kind: 'judge', inspect }
}

export function bound(
  hook: BoundHook,
  action: Action,
  more: Partial<Binding> & { byType?: Record<string, Action> } = {},
): Binding {
  const { byType = {}, ...rest } = more
  const map = { default: action, byType: new Map(Object.entries(byType)) }
  return { name: `${action} rule`, on: 'both', hook, action: map, onError: 'block', timeoutMs: 10_000, ...rest }
}

export const newVault = (): Vault => createVault({ key: Buffer.alloc(32, 3), maxEntries: 1_000 })

export function textPart(text: string, more: Partial<TextPart> & { sealed?: true } = {}): TextPart & { sealed?: true } {
  const place = { start: 0, end: text.length, spelling: [] }
  return { text, place, role: 'user', kind: 'message', path: 'messages[0].content', ...more }
}

/** What the edits make of a part's text. */
export function edited(part: TextPart, edits: readonly Edit[]): string {
  let out = ''
  let from = 0
  for (const edit of edits) {
    if (edit.part !== part) continue
    if (edit.start < from) throw new Error('edits overlap or are out of order')
    out += part.text.slice(from, edit.start) + edit.replacement
    from = edit.end
  }
  return out + part.text.slice(from)
}

export type Delta = { channel: string; text: string; fragment?: 'text' | 'json'; whole?: boolean; sealed?: true }

/** One server-sent event: each delta is a line with its JSON. */
export function eventOf(deltas: readonly Delta[], ends: readonly string[] = []): StreamEvent {
  let text = ''
  const parts: StreamPart[] = []
  for (const { channel, text: piece, fragment = 'text', whole = false, sealed } of deltas) {
    const before = `data: {"c":${JSON.stringify(channel)},"d":"`
    const spelled = JSON.stringify(piece).slice(1, -1)
    const start = text.length + before.length
    const place = { start, end: start + spelled.length, spelling: ['json'] as const }
    const kind = fragment === 'json' ? 'tool-arguments' : 'message'
    const part = { text: piece, place, role: 'assistant', kind, path: channel, channel, whole, fragment } as const
    parts.push(sealed === undefined ? part : { ...part, sealed })
    text += `${before}${spelled}"}\n`
  }
  text += ends.length > 0 ? `data: {"end":${JSON.stringify(ends)}}\n\n` : '\n'
  return { bytes: Buffer.from(text), text, charset: 'utf8', parts, ends }
}

/** The edits done at their places in an event made by `eventOf`. */
function applyEdits(raw: string, edits: readonly Edit[]): string {
  let out = ''
  let from = 0
  for (const part of new Set(edits.map((edit) => edit.part))) {
    if (part.place.start < from) throw new Error('edits are out of order')
    out += raw.slice(from, part.place.start) + JSON.stringify(edited(part, edits)).slice(1, -1)
    from = part.place.end
  }
  return out + raw.slice(from)
}

export function streamHow(more: Partial<StreamHow> = {}): StreamHow {
  return {
    mode: 'enforce',
    vault: newVault(),
    now: () => 0n,
    signal: new AbortController().signal,
    holdbackChars: 512,
    holdbackMs: 250,
    applyEdits,
    encode: (text, charset) => Buffer.from(text, charset),
    clock: () => 0,
    ...more,
  }
}

/** The texts of each channel, whole ones apart, as a client would put them together. */
export function channelsOf(bytes: readonly Uint8Array[]): Record<string, string> {
  const channels: Record<string, string> = {}
  for (const line of Buffer.concat(bytes).toString('utf8').split('\n')) {
    if (!line.startsWith('data: {"c"')) continue
    const { c, d } = JSON.parse(line.slice(6)) as { c: string; d: string }
    channels[c] = (channels[c] ?? '') + d
  }
  return channels
}

export type Played = {
  readonly wire: Record<string, string>
  readonly store: Record<string, string>
  readonly released: readonly Released[]
  readonly blocked: { readonly rule: string } | undefined
  readonly result: Inspection
}

export function play(
  bindings: readonly Binding[],
  events: readonly StreamEvent[],
  more: Partial<StreamHow> = {},
  known: readonly string[] = [],
): Played {
  const inspector = inspectStream(bindings, { known }, streamHow(more))
  const released = events.flatMap((event) => [...inspector.push(event)])
  released.push(...inspector.end())
  const wire = channelsOf(released.map((one) => one.wire))
  const store = channelsOf(released.map((one) => one.store))
  return { wire, store, released, blocked: inspector.blocked, result: inspector.result() }
}

/** The text in pieces that end at the given places. */
export function pieces(text: string, cuts: readonly number[]): string[] {
  const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b)
  return [0, ...places].map((from, i) => text.slice(from, places[i] ?? text.length))
}

/** Each text an event of its own. */
export function deltas(channel: string, texts: readonly string[]): StreamEvent[] {
  return texts.map((piece) => eventOf([{ channel, text: piece }]))
}

export const redacting = [
  bound(detector(keyRule), 'redact'),
  bound(detector(emailRule), 'tokenize'),
  bound(detector(phraseRule), 'flag'),
]

/** Texts made to be cut: values, halves of values, placeholders of the vault, long stretches without anything. */
export function hardTexts(vault: Vault): { readonly tokens: readonly string[]; readonly text: fc.Arbitrary<string> } {
  const tokens = [
    vault.placeholderFor('EMAIL', 'zed"\\\n@example.org'),
    vault.placeholderFor('SECRET:key', 'S3cr3t/+='),
  ] as const
  const words = [
    'AK1234',
    'AK',
    'A',
    '12',
    'ann@corp.org',
    'a@b.co',
    'm',
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
  const word = fc.oneof(fc.constantFrom(...words, ...tokens), fc.constant('lorem ipsum dolor '.repeat(40)))
  return { tokens, text: fc.array(word, { maxLength: 14 }).map((some) => some.join('')) }
}

import type { Spelling } from '../core/text.ts'
import { asBase64, asQuoted, asUtf8, base64Text, quotedText, utf8Text, wholeNumber } from './recoded.ts'

/** The text that `raw` spells. */
export function decoded(raw: string, spelling: Spelling): string {
  let text = raw
  for (const layer of spelling) text = decodeLayer[layer](text)
  return text
}

/**
 * A text spelled for its place. JSON is written in ASCII, so that it fits a body in any charset; lone surrogates keep their value.
 * `before` is what stood there.
 */
export function spelled(text: string, spelling: Spelling, before = ''): string {
  let raw = text
  for (let i = spelling.length - 1; i >= 0; i--) raw = spellLayer[spelling[i] as Layer](raw, before)
  return raw
}

/** Whether an edit has to spell the whole text again: its characters have no places of their own. */
export function isRespelled(spelling: Spelling): boolean {
  const last = spelling.at(-1)
  return last !== undefined && respelled.has(last)
}

/**
 * Offsets in the decoded text, ascending, as offsets in `raw`. An offset inside an escape sequence that spells several code units
 * moves to its end.
 */
export function rawOffsets(raw: string, spelling: Spelling, offsets: readonly number[]): readonly number[] {
  const layers = [raw]
  for (const layer of spelling.slice(0, -1)) layers.push(decodeLayer[layer](layers.at(-1) as string))
  let at = offsets
  for (let i = spelling.length - 1; i >= 0; i--) at = mapLayer(layers[i] as string, spelling[i] as Layer, at)
  return at
}

/** Goes once over a JSON string's inside: the raw offset of each decoded offset it is asked for, in ascending order. */
export function jsonOffsets(raw: string, start: number): (offset: number) => number {
  let rawAt = start
  let at = 0
  return (offset) => {
    while (at < offset) {
      rawAt += jsonAtom(raw, rawAt)
      at++
    }
    return rawAt
  }
}

type Layer = Spelling[number]

function mapLayer(raw: string, layer: Layer, offsets: readonly number[]): readonly number[] {
  if (layer === 'json') return raw.includes('\\') ? offsets.map(jsonOffsets(raw, 0)) : offsets
  if (layer !== 'form') return offsets
  let rawAt = 0
  let at = 0
  return offsets.map((offset) => {
    while (at < offset) {
      const atom = formAtom(raw, rawAt)
      rawAt += atom.length
      at += atom.text.length
    }
    return rawAt
  })
}

const decodeLayer: Record<Layer, (raw: string) => string> = {
  json: (raw) => (raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw),
  form: decodeForm,
  sse: (raw) => raw,
  number: (raw) => wholeNumber(raw) ?? raw,
  base64: (raw) => base64Text(raw) ?? raw,
  'quoted-printable': quotedText,
  utf8: utf8Text,
}

const spellLayer: Record<Layer, (text: string, before: string) => string> = {
  json: (text) =>
    JSON.stringify(text)
      .slice(1, -1)
      .replace(/[\u007f-\uffff]/g, unicodeEscape),
  form: (text) =>
    encodeURIComponent(text.toWellFormed())
      .replace(/%20/g, '+')
      .replace(/[!'()~*]/g, percentEscape),
  sse: (text) => text.replace(/\r\n?|\n/g, '\ndata: '),
  number: (text) => JSON.stringify(text).replace(/[\u007f-\uffff]/g, unicodeEscape),
  base64: asBase64,
  'quoted-printable': asQuoted,
  utf8: asUtf8,
}

const respelled: ReadonlySet<Layer> = new Set<Layer>(['number', 'base64', 'quoted-printable', 'utf8'])

function unicodeEscape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function percentEscape(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`
}

/** Raw characters that spell the one code unit at `at`. */
function jsonAtom(raw: string, at: number): number {
  if (raw.charCodeAt(at) !== 92) return 1
  return raw.charCodeAt(at + 1) === 117 ? 6 : 2
}

function decodeForm(raw: string): string {
  if (!raw.includes('%')) return raw.includes('+') ? raw.replaceAll('+', ' ') : raw
  const pieces: string[] = []
  let at = 0
  while (at < raw.length) {
    const next = raw.indexOf('%', at)
    const plain = next < 0 ? raw.length : next
    if (plain > at) pieces.push(raw.slice(at, plain).replaceAll('+', ' '))
    if (next < 0) break
    const atom = formAtom(raw, next)
    pieces.push(atom.text)
    at = next + atom.length
  }
  return pieces.join('')
}

/**
 * The character spelled at `at`: percent-encoded UTF-8 as a whole; a percent-encoded byte that is no UTF-8 stands for itself as
 * latin1, and a percent sign without two hex digits for a percent sign.
 */
function formAtom(raw: string, at: number): { readonly length: number; readonly text: string } {
  const first = percentByte(raw, at)
  if (first < 0) return { length: 1, text: raw.charAt(at) === '+' ? ' ' : raw.charAt(at) }
  if (first < 0x80) return { length: 3, text: String.fromCharCode(first) }
  const bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1
  try {
    if (bytes > 1) return { length: bytes * 3, text: decodeURIComponent(raw.slice(at, at + bytes * 3)) }
  } catch {
    // Not UTF-8: the byte stands for itself.
  }
  return { length: 3, text: String.fromCharCode(first) }
}

function percentByte(raw: string, at: number): number {
  if (raw.charCodeAt(at) !== 37) return -1
  const hex = raw.slice(at + 1, at + 3)
  return /^[0-9A-Fa-f]{2}$/.test(hex) ? Number.parseInt(hex, 16) : -1
}

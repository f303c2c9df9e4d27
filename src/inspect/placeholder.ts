import { createHmac } from 'node:crypto'

/** What stands at a marker. `begun`: the text ends before it is decided. `changed`: no placeholder, but long enough to have been one. */
export type Shape = { readonly kind: 'whole' | 'begun' | 'other'; readonly end: number; readonly changed: boolean }

/** `SECRET:aws-access-key` is labelled SECRET, so that a model still sees what kind of thing stands there. */
export function labelOf(type: string): string {
  const kind = type.split(':', 1)[0] ?? ''
  const label = kind
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
    .replaceAll(/QX/g, 'Q')
  return label.replaceAll(/^_+/g, '').slice(0, MAX_LABEL).replaceAll(/_+$/g, '') || 'VALUE'
}

export function derive(key: Uint8Array, label: string, name: string): string {
  const id = encode(createHmac('sha256', key).update(`id${name}`).digest(), ID_CHARS)
  return `${MARKER}${label}_${id}${checkOf(key, label, id)}`
}

export function checks(key: Uint8Array, candidate: string): boolean {
  const core = candidate.length - CORE_CHARS
  const id = candidate.slice(core, core + ID_CHARS)
  return checkOf(key, candidate.slice(MARKER.length, core - 1), id) === candidate.slice(core + ID_CHARS)
}

function checkOf(key: Uint8Array, label: string, id: string): string {
  return encode(createHmac('sha256', key).update(`check\0${label}\0${id}`).digest(), CHECK_CHARS)
}

/** The first character is always a letter, so that the label ends where lower case begins. */
function encode(digest: Uint8Array, chars: number): string {
  let out = ALPHABET.charAt(DIGITS + (digest[0]! & 15))
  for (let i = 1; i < chars; i++) out += ALPHABET.charAt(digest[i]! & 31)
  return out
}

export function shapeAt(text: string, at: number): Shape {
  const label = at + MARKER.length
  const labelEnd = Math.min(text.length, label + MAX_LABEL + 1)
  let core = label
  while (core < labelEnd && isLabelChar(text.charCodeAt(core))) core++
  const underscored = core > label + 1 && text.charCodeAt(core - 1) === UNDERSCORE
  if (core === text.length) {
    return { kind: underscored || core - label <= MAX_LABEL ? 'begun' : 'other', end: core, changed: false }
  }
  if (!underscored || !isLowerLetter(text.charCodeAt(core))) return { kind: 'other', end: core, changed: false }
  const coreEnd = Math.min(text.length, core + CORE_CHARS)
  let end = core
  while (end < coreEnd && isCoreChar(text.charCodeAt(end))) end++
  if (end - core === CORE_CHARS) return { kind: 'whole', end, changed: false }
  return { kind: end === text.length ? 'begun' : 'other', end, changed: end - core >= CORE_CHARS / 2 }
}

export function pendingPlaceholder(text: string): number {
  let at = text.indexOf('Q', Math.max(0, text.length - MAX_LENGTH + 1))
  for (; at !== -1; at = text.indexOf('Q', at + 1)) {
    const left = text.length - at
    if (left < MARKER.length) {
      if (MARKER.startsWith(text.slice(at))) return at
    } else if (text.startsWith(MARKER, at) && shapeAt(text, at).kind === 'begun') return at
  }
  return text.length
}

/** A placeholder spelled anew on its way: [start, end), and how it was spelled before. */
export type Respelled = { readonly start: number; readonly end: number; readonly exact: string }

/**
 * What could be placeholders in other case or width, or with blanks, hyphens, full stops or backslashes at their underscores. Whether
 * one was made here, its check characters tell.
 */
export function respelled(text: string): readonly Respelled[] {
  if (!maybeRespelled.test(text)) return nowhere
  const found: Respelled[] = []
  for (const { index: start, 0: form } of text.matchAll(respelling)) {
    const parts = form.normalize('NFKC').split(separators)
    const exact = `${parts.slice(0, -1).join('_').toUpperCase()}_${parts.at(-1)?.toLowerCase()}`
    if (exact !== form) found.push({ start, end: start + form.length, exact })
  }
  return found
}

const isLowerLetter = (code: number): boolean => code >= 97 && code <= 122
const isCoreChar = (code: number): boolean => isLowerLetter(code) || (code >= 48 && code <= 57)
const isLabelChar = (code: number): boolean =>
  (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === UNDERSCORE

export const MARKER = 'QX_'
const UNDERSCORE = 95
const MAX_LABEL = 16
const ID_CHARS = 10
const CHECK_CHARS = 4
const CORE_CHARS = ID_CHARS + CHECK_CHARS
const MAX_LENGTH = MARKER.length + MAX_LABEL + 1 + CORE_CHARS
const DIGITS = 10
// Crockford's alphabet: nothing that reads as something else.
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const nowhere: readonly Respelled[] = []
const separators = /[^A-Za-z0-9]+/
const sign = '[A-Za-z0-9\\uff10-\\uff19\\uff21-\\uff3a\\uff41-\\uff5a]'
const gap = '[\\\\\\s_.\\-\\u200b\\u2010-\\u2015\\uff3f]{1,4}'
const head = '[Qq\\uff31\\uff51][Xx\\uff38\\uff58]'
const maybeRespelled = new RegExp(`${head}[\\\\\\s_.\\-\\u200b\\u2010-\\u2015\\uff3f]`)
const respelling = new RegExp(`${head}${gap}(?:${sign}{1,16}${gap}){1,4}${sign}{${CORE_CHARS}}(?!${sign})`, 'g')

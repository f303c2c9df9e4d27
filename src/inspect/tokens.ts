import { createHmac } from 'node:crypto'
import { lru } from '../lib/lru.ts'
import { createSeal, type Shelf } from './shelf.ts'

/**
 * Placeholders and the values they stand for. A placeholder is `QX_EMAIL_` and 14 characters: letters, digits and underscores
 * only, so that it needs no escape anywhere, with a fixed beginning and a fixed length after the label, so that both ends are
 * known also next to letters. Ten characters are derived from type and value, four check the rest; both are keyed.
 * The same key gives the same placeholder for the same value in every process and every turn.
 */
export type Vault = {
  readonly placeholderFor: (type: string, value: string) => string
  /** Puts originals back; `spell` is applied to each. `unknown` counts what looks like a placeholder but is none that this vault can undo. */
  readonly restore: (text: string, spell?: (original: string) => string) => Restored
  /** Every placeholder in the text, also those that were changed on their way (`ours` false), in order. */
  readonly placeholders: (text: string) => readonly Placeholder[]
  /** The index from which the text could be the beginning of a placeholder; its length when nowhere. */
  readonly pendingFrom: (text: string) => number
  /** 0 when there is nothing to restore. */
  readonly size: () => number
}

type Restored = { readonly text: string; readonly restored: number; readonly unknown: number }

export type Placeholder = {
  readonly start: number
  readonly end: number
  /** Its check characters fit: it was made with this key. */
  readonly ours: boolean
  /** Undefined when it is not ours, or was forgotten. */
  readonly original: string | undefined
}

export type VaultOptions = { readonly key: Uint8Array; readonly maxEntries: number; readonly shelf?: Shelf }

/**
 * `key`: 32 bytes. The values used longest ago are forgotten beyond `maxEntries`; long values count more than once. What is not in
 * memory is looked for on the shelf, if there is one.
 */
export function createVault({ key, maxEntries, shelf }: VaultOptions): Vault {
  if (key.length !== 32) throw new RangeError('a vault key has 32 bytes')
  const seal = shelf === undefined ? undefined : createSeal(key)
  const originals = lru<string, string>({ max: maxEntries, weigh: weightOf, onEvict: forget })
  const made = new Map<string, string>()
  const names = new Map<string, string>()

  function forget(placeholder: string): void {
    const name = names.get(placeholder)
    names.delete(placeholder)
    if (name !== undefined) made.delete(name)
  }

  function placeholderFor(type: string, value: string): string {
    const name = `${type}\0${value}`
    const known = made.get(name)
    if (known !== undefined) {
      originals.get(known)
      return known
    }
    const placeholder = unusedPlaceholder(type, value)
    made.set(name, placeholder)
    names.set(placeholder, name)
    originals.set(placeholder, value)
    if (originals.peek(placeholder) === undefined) forget(placeholder)
    if (seal !== undefined && value.length <= LONGEST_SHELVED) shelf?.put(placeholder, seal.close(placeholder, value))
    return placeholder
  }

  function unusedPlaceholder(type: string, value: string): string {
    for (let attempt = 0; ; attempt++) {
      const candidate = derive(key, labelOf(type), `${attempt === 0 ? '' : attempt}\0${type}\0${value}`)
      const holder = originals.peek(candidate)
      if (holder === undefined || holder === value) return candidate
    }
  }

  function placeholders(text: string): readonly Placeholder[] {
    let at = text.indexOf(MARKER)
    if (at === -1) return none
    const found: Placeholder[] = []
    while (at !== -1) {
      const shape = shapeAt(text, at)
      const next = text.indexOf(MARKER, at + MARKER.length)
      if (next === -1 || next >= shape.end) {
        if (shape.kind === 'whole') found.push(judged(text.slice(at, shape.end), at))
        else if (shape.changed) found.push({ start: at, end: shape.end, ours: false, original: undefined })
      }
      at = next
    }
    return found
  }

  function judged(candidate: string, start: number): Placeholder {
    const known = originals.get(candidate)
    const ours = known !== undefined || checks(key, candidate)
    const original = known ?? (ours ? shelved(candidate) : undefined)
    return { start, end: start + candidate.length, ours, original }
  }

  /** One that another process made, or this one before it was started anew. */
  function shelved(placeholder: string): string | undefined {
    const sealed = shelf?.find(placeholder)
    const original = sealed === undefined ? undefined : seal?.open(placeholder, sealed)
    if (original !== undefined) originals.set(placeholder, original)
    return original
  }

  function restore(text: string, spell?: (original: string) => string): Restored {
    const found = placeholders(text)
    let out = ''
    let from = 0
    let restored = 0
    for (const { start, end, original } of found) {
      if (original === undefined) continue
      out += text.slice(from, start) + (spell === undefined ? original : spell(original))
      from = end
      restored++
    }
    return { text: from === 0 ? text : out + text.slice(from), restored, unknown: found.length - restored }
  }

  const size = (): number => originals.size() || (shelf?.empty() === false ? 1 : 0)
  const sealed = { toJSON: () => 'Vault', [Symbol.for('nodejs.util.inspect.custom')]: () => 'Vault' }
  return { placeholderFor, restore, placeholders, pendingFrom: pendingPlaceholder, size, ...sealed }
}

/** The key of one tenant's vault, from the installation's own. */
export function vaultKeyFor(masterKey: Uint8Array, tenant: string): Uint8Array {
  return createHmac('sha256', masterKey).update(`tenant\0${tenant}`).digest()
}

/** `SECRET:aws-access-key` is labelled SECRET, so that a model still sees what kind of thing stands there. */
function labelOf(type: string): string {
  const kind = type.split(':', 1)[0] ?? ''
  const label = kind
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
    .replaceAll(/QX/g, 'Q')
  return label.replaceAll(/^_+/g, '').slice(0, MAX_LABEL).replaceAll(/_+$/g, '') || 'VALUE'
}

function derive(key: Uint8Array, label: string, name: string): string {
  const id = encode(createHmac('sha256', key).update(`id${name}`).digest(), ID_CHARS)
  return `${MARKER}${label}_${id}${checkOf(key, label, id)}`
}

function checks(key: Uint8Array, candidate: string): boolean {
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

/** `begun`: the text ends before it is decided. `changed`: no placeholder, but long enough to have been one. */
type Shape = { readonly kind: 'whole' | 'begun' | 'other'; readonly end: number; readonly changed: boolean }

/** What stands at a marker. */
function shapeAt(text: string, at: number): Shape {
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

function pendingPlaceholder(text: string): number {
  let at = text.indexOf('Q', Math.max(0, text.length - MAX_LENGTH + 1))
  for (; at !== -1; at = text.indexOf('Q', at + 1)) {
    const left = text.length - at
    if (left < MARKER.length) {
      if (MARKER.startsWith(text.slice(at))) return at
    } else if (text.startsWith(MARKER, at) && shapeAt(text, at).kind === 'begun') return at
  }
  return text.length
}

const weightOf = (value: string): number => 1 + (value.length >> 8)
const isLowerLetter = (code: number): boolean => code >= 97 && code <= 122
const isCoreChar = (code: number): boolean => isLowerLetter(code) || (code >= 48 && code <= 57)
const isLabelChar = (code: number): boolean =>
  (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === UNDERSCORE

const LONGEST_SHELVED = 65_536
const none: readonly Placeholder[] = []
const MARKER = 'QX_'
const UNDERSCORE = 95
const MAX_LABEL = 16
const ID_CHARS = 10
const CHECK_CHARS = 4
const CORE_CHARS = ID_CHARS + CHECK_CHARS
const MAX_LENGTH = MARKER.length + MAX_LABEL + 1 + CORE_CHARS
const DIGITS = 10
// Crockford's alphabet: nothing that reads as something else.
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

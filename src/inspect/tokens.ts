import { createHmac } from 'node:crypto'
import { lru } from '../lib/lru.ts'
import {
  checks,
  derive,
  labelOf,
  MARKER,
  pendingPlaceholder,
  respelled,
  shapeAt,
  type Respelled,
} from './placeholder.ts'
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
    const changed = respelled(text)
    if (at === -1 && changed.length === 0) return none
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
    return changed.length === 0 ? found : withChanged(found, changed)
  }

  /** Those of ours that were spelled anew are left as they are; but they are no secret either. */
  function withChanged(found: readonly Placeholder[], changed: readonly Respelled[]): readonly Placeholder[] {
    const own = changed.filter(
      ({ start, end, exact }) => checks(key, exact) && !found.some((one) => one.start < end && start < one.end),
    )
    const left = own.map(({ start, end }): Placeholder => ({ start, end, ours: true, original: undefined }))
    return left.length === 0 ? found : [...found, ...left].sort((a, b) => a.start - b.start)
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

const weightOf = (value: string): number => 1 + (value.length >> 8)

const LONGEST_SHELVED = 65_536
const none: readonly Placeholder[] = []

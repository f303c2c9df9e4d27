import { createHash, hash } from 'node:crypto'
import type { Match } from '../core/verdict.ts'
import { lru } from '../lib/lru.ts'

/**
 * What detectors found in texts, so that a conversation that comes again costs what is new in it. It never holds a text: entries are
 * found by a keyed SHA-256 of whose text it is, which rules looked, the name the text stands under and the text. Whoever cannot make
 * two texts with the same SHA-256 cannot have one pass for the other.
 */
export type Memo = {
  /** What exchanges of one tenant remember. Another tenant's neither finds it nor learns by the time it takes that it is there. */
  readonly of: (tenant: string) => TenantMemo
  /** Texts that are remembered. */
  readonly entries: () => number
  readonly bytes: () => number
}

export type TenantMemo = {
  /** What these rule sets together found, named by their digests in order: other rules remember nothing of it. */
  readonly under: (digests: readonly string[]) => Shelf
  /** Where values known from elsewhere stand in a text whose key is at hand: of these values, which are not kept either. */
  readonly placesOf: (values: readonly string[]) => Places
  /** Counts look-ups. */
  readonly used: (hits: number, misses: number) => void
}

export type Shelf = {
  /** For texts of one piece: at most `PIECE` characters. Undefined where UTF-8 would not tell two texts apart. */
  readonly keyOf: (text: string, name: string) => string | undefined
  /** For any text, in steps of `PIECE` characters. */
  readonly keyInSteps: (text: string, name: string) => Generator<void, string>
  readonly get: (key: string) => Remembered | undefined
  readonly set: (key: string, found: Remembered) => void
}

export type Places = {
  readonly get: (key: string) => readonly Stretch[] | undefined
  readonly set: (key: string, places: readonly Stretch[]) => void
}

type Stretch = { readonly start: number; readonly end: number }

/** By rule set, what it found in the text. */
export type Remembered = readonly (readonly Match[])[]

/** `key`: random, of this process; the memory is worth nothing to another. */
export function createMemo(options: {
  readonly key: Uint8Array
  readonly maxBytes: number
  readonly used?: (hits: number, misses: number) => void
}): Memo {
  const secret = Buffer.from(options.key).toString('hex')
  const found = lru<string, Remembered>({ max: options.maxBytes * 0.75, weigh })
  const places = lru<string, readonly Stretch[]>({
    max: options.maxBytes * 0.25,
    weigh: (some) => 320 + 40 * some.length,
  })
  const used = options.used ?? (() => {})
  const of = (tenant: string): TenantMemo => ({
    used,
    placesOf: (values) => {
      const prefix = hash('sha256', JSON.stringify([secret, tenant.toWellFormed(), 'known', values]), 'base64')
      return { get: (key) => places.get(prefix + key), set: (key, some) => places.set(prefix + key, some) }
    },
    under: (digests) => {
      const prefix = hash('sha256', JSON.stringify([secret, tenant.toWellFormed(), digests]), 'hex')
      return {
        keyOf: (text, name) =>
          text.isWellFormed() ? hash('sha256', `${prefix}1${name.length}:${name}${text}`, 'base64') : undefined,
        keyInSteps: (text, name) => keyInSteps(`${prefix}2${name.length}:${name}`, text),
        get: found.get,
        set: found.set,
      }
    },
  })
  return { of, entries: found.size, bytes: () => found.weight() + places.weight() }
}

/** UTF-16 tells all texts apart, whatever halves of characters are in them and wherever a step ends. */
function* keyInSteps(prefix: string, text: string): Generator<void, string> {
  const hashing = createHash('sha256').update(prefix, 'utf16le')
  for (let at = 0; at < text.length; at += PIECE) {
    hashing.update(text.slice(at, at + PIECE), 'utf16le')
    yield
  }
  return hashing.digest('base64')
}

/** About the bytes that an entry takes. */
function weigh(found: Remembered): number {
  let matches = 0
  for (const one of found) matches += one.length
  return 240 + 16 * found.length + 96 * matches
}

/** A text longer than this is hashed in steps. */
export const PIECE = 262_144

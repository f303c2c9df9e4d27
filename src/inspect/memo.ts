import { createHash, hash } from 'node:crypto'
import type { Match } from '../core/verdict.ts'

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
  /** A name for these values, which does not tell them. */
  readonly nameOf: (values: readonly string[]) => string
  /** Counts look-ups. */
  readonly used: (hits: number, misses: number) => void
}

export type Shelf = {
  /** For texts of one piece: at most `PIECE` characters. Undefined where UTF-8 would not tell two texts apart. */
  readonly keyOf: (text: string, name: string) => string | undefined
  /** For any text, in steps of `PIECE` characters. */
  readonly keyInSteps: (text: string, name: string) => Generator<void, string>
  readonly get: (key: string) => Entry | undefined
  readonly set: (key: string, found: Remembered) => Entry
}

/** What is remembered of one text. `known` may be set: where the values of that name stand in it, if these are few places. */
export type Entry = {
  readonly found: Remembered
  known: { readonly name: string; readonly places: readonly Stretch[] } | undefined
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
  const entries = new Recent<Entry>(options.maxBytes, weigh)
  const used = options.used ?? (() => {})
  const of = (tenant: string): TenantMemo => ({
    used,
    nameOf: (values) => hash('sha256', JSON.stringify([secret, tenant.toWellFormed(), 'known', values]), 'base64'),
    under: (digests) => {
      const prefix = hash('sha256', JSON.stringify([secret, tenant.toWellFormed(), digests]), 'hex')
      return {
        keyOf: (text, name) => (text.isWellFormed() ? keyFor(prefix, name, text) : undefined),
        keyInSteps: (text, name) => keyInSteps(`${prefix}2${name.length}:${name}`, text),
        get: (key) => entries.get(key),
        set: (key, found) => {
          const entry = { found, known: undefined }
          entries.set(key, entry)
          return entry
        },
      }
    },
  })
  return { of, entries: () => entries.size, bytes: () => entries.weight }
}

/**
 * Two generations: what was not used while the younger one filled up is forgotten. To find something changes nothing while it is
 * young, which is all that a conversation that goes on asks for.
 */
class Recent<V> {
  readonly #most: number
  readonly #weigh: (value: V) => number
  #young = new Map<string, V>()
  #old = new Map<string, V>()
  #youngWeight = 0
  #oldWeight = 0

  constructor(most: number, weigh: (value: V) => number) {
    this.#most = most / 2
    this.#weigh = weigh
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old === undefined) return undefined
    this.#old.delete(key)
    this.#oldWeight -= this.#weigh(old)
    this.set(key, old)
    return old
  }

  /** For a key that is not there. */
  set(key: string, value: V): void {
    const weight = this.#weigh(value)
    if (weight > this.#most || this.#young.has(key)) return
    if (this.#youngWeight + weight > this.#most) {
      this.#old = this.#young
      this.#oldWeight = this.#youngWeight
      this.#young = new Map()
      this.#youngWeight = 0
    }
    this.#young.set(key, value)
    this.#youngWeight += weight
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  get weight(): number {
    return this.#youngWeight + this.#oldWeight
  }
}

/** To put a long text together with what stands before it would be to copy it. */
function keyFor(prefix: string, name: string, text: string): string {
  const [kind, rest] = text.length < LONG ? [1, text] : [3, hash('sha256', text, 'base64')]
  return hash('sha256', `${prefix}${kind}${name.length}:${name}${rest}`, 'base64')
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
function weigh({ found }: Entry): number {
  let matches = 0
  for (const one of found) matches += one.length
  return 280 + 40 * MOST_PLACES + 16 * found.length + 96 * matches
}

/** A text longer than this is hashed in steps. */
export const PIECE = 262_144

const LONG = 1_024

/** Known values that stand at more places in a text are looked for again. */
export const MOST_PLACES = 4

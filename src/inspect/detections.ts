import { SallyportError } from '../core/errors.ts'
import type { TextKind, TextPart } from '../core/text.ts'
import type { Match } from '../core/verdict.ts'
import { passesOver } from '../detect/index.ts'
import type { Pass } from '../detect/index.ts'
import type { Binding } from './binding.ts'
import type { BoundHook } from './hook.ts'
import { PIECE, type Entry, type Remembered, type Shelf, type TenantMemo } from './memo.ts'

export type Detecting = Binding & { readonly hook: Extract<BoundHook, { readonly kind: 'detector' }> }

/** What one binding's detector found, or why it could not look. Passes that are shared share their time. */
export type Detected = {
  readonly binding: Detecting
  readonly outcome: Found | { readonly cause: unknown }
  readonly nanoseconds: bigint
}

/** What was found in each part, and the parts in which anything was found at all, in order. */
export type Found = {
  readonly some: readonly number[]
  readonly in: (part: number) => readonly Match[]
}

/**
 * Looks through the texts for all detectors, in as few passes as there can be. It yields after each `SLICE` characters, in the midst
 * of a text too, so that large messages can make room for others. What is found is the
 * same wherever it yields, and with a memo, which spares it the longer texts that it has looked through before; `entries` gets theirs.
 */
export function* detections(
  detectors: readonly Detecting[],
  parts: readonly TextPart[],
  now: () => bigint,
  memo?: TenantMemo,
  entries: Entries = [],
): Generator<void, readonly Detected[]> {
  const detected: Detected[] = []
  for (const pass of passesOver(detectors.map((binding) => binding.hook.rules))) {
    const turn = new Turn(now)
    const looked = yield* look(pass, parts, turn, memo, entries)
    const nanoseconds = turn.spent() / BigInt(pass.members.length)
    for (const [i, member] of pass.members.entries()) {
      const outcome = 'cause' in looked ? looked : foundBy(looked, pass.placeOf[i]!)
      detected[member] = { binding: detectors[member]!, outcome, nanoseconds }
    }
  }
  return detected
}

export function isDetecting(binding: Binding): binding is Detecting {
  return binding.hook.kind === 'detector'
}

/** By part, what the memo has of its text; holes where that is nothing. */
export type Entries = (Entry | undefined)[]

/** By part, what each set of the pass finds there, and the parts in which one of them finds something. */
type Looked = { readonly found: Remembered[]; readonly some: number[] }

function foundBy({ found, some }: Looked, place: number): Found {
  return { some, in: (part) => found[part]![place]! }
}

function* look(
  pass: Pass,
  parts: readonly TextPart[],
  turn: Turn,
  memo: TenantMemo | undefined,
  entries: Entries,
): Generator<void, Looked | { readonly cause: unknown }> {
  const looked: Looked = { found: [], some: [] }
  const shelf = memo !== undefined && isWorthRemembering(parts) ? memo.under(pass.digests) : undefined
  const short = parts.length > FEW ? new ShortTexts() : undefined
  let hits = 0
  let misses = 0
  try {
    for (let i = 0; i < parts.length; i++) {
      const { text } = parts[i]!
      const name = nameOf(parts[i]!)
      const isShort = short !== undefined && text.length < LONGEST_SHORT
      let entry = isShort ? short.get(text, name) : undefined
      if (entry !== undefined) {
        if (turn.take(LOOK_UP)) yield* turn.pass()
      } else if (shelf === undefined || text.length < SHORTEST) {
        entry = { found: yield* read(pass, text, name, turn), known: undefined }
        if (isShort) short.set(text, name, entry)
      } else {
        const whole = text.length > PIECE ? undefined : shelf.keyOf(text, name)
        const key = whole ?? (yield* keyIn(shelf, text, name, turn))
        if (whole !== undefined && turn.take(LOOK_UP + text.length / HASHING)) yield* turn.pass()
        entry = shelf.get(key)
        if (entry !== undefined) hits++
        else misses++
        entry ??= shelf.set(key, yield* read(pass, text, name, turn))
        if (isShort) short.set(text, name, entry)
      }
      entries[i] ??= entry
      looked.found.push(entry.found)
      if (!entry.found.some(isAny)) continue
      looked.some.push(i)
      for (const matches of entry.found) turn.matches += matches.length
      atMost(turn.matches)
    }
    return looked
  } catch (cause) {
    return { cause }
  } finally {
    if (hits + misses > 0) memo?.used(hits, misses)
  }
}

/** No message is worth more memory than these take. */
function atMost(matches: number): void {
  if (matches > MOST_MATCHES)
    throw new SallyportError('hook_failed', `there are more than ${MOST_MATCHES} findings in one message`)
}

function isAny(matches: readonly Match[]): boolean {
  return matches.length > 0
}

/** Names, paths and the like come again and again in one message. */
class ShortTexts {
  readonly #byName = new Map<string, Map<string, Entry>>()
  #left = MOST_SHORT

  get(text: string, name: string): Entry | undefined {
    return this.#byName.get(name)?.get(text)
  }

  set(text: string, name: string, entry: Entry): void {
    if (this.#left-- <= 0) return
    const under = this.#byName.get(name)
    if (under === undefined) this.#byName.set(name, new Map([[text, entry]]))
    else under.set(text, entry)
  }
}

function* read(pass: Pass, text: string, name: string, turn: Turn): Generator<void, Remembered> {
  const reading = pass.read(text, name === '' ? undefined : { key: name })
  let rest = text.length
  let before = 0
  for (let more = true; more;) {
    const asked = turn.left
    more = reading.advance(asked)
    const taken = more ? asked : Math.max(0, rest)
    rest -= taken
    const spent = reading.spent?.() ?? 0
    const cost = reading.spent === undefined ? taken : spent - before
    before = spent
    if (reading.matches !== undefined) atMost(turn.matches + reading.matches())
    if (turn.take(cost)) yield* turn.pass()
  }
  if (turn.take(PER_TEXT)) yield* turn.pass()
  return reading.found()
}

function* keyIn(shelf: Shelf, text: string, name: string, turn: Turn): Generator<void, string> {
  const steps = shelf.keyInSteps(text, name)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    if (turn.take(PIECE / HASHING)) yield* turn.pass()
  }
}

/** What may still be looked at before others have their turn, and the time that was spent so far. */
class Turn {
  left = SLICE
  /** Found before the text that is being read. */
  matches = 0
  readonly #now: () => bigint
  #started: bigint
  #nanoseconds = 0n

  constructor(now: () => bigint) {
    this.#now = now
    this.#started = now()
  }

  /** True when it is the turn of others. */
  take(chars: number): boolean {
    this.left -= chars
    return this.left <= 0
  }

  *pass(): Generator<void, void> {
    this.#nanoseconds = this.spent()
    yield
    this.#started = this.#now()
    this.left = SLICE
  }

  spent(): bigint {
    return this.#nanoseconds + this.#now() - this.#started
  }
}

/** In short messages there is nothing to spare. */
function isWorthRemembering(parts: readonly TextPart[]): boolean {
  let length = 0
  for (const { text } of parts) if ((length += text.length) >= WORTH) return true
  return false
}

/** Whether what a detector finds in texts of this kind is what its rule asks for. */
export function counts({ hook: { kinds } }: Detecting, kind: TextKind): boolean {
  return kinds === undefined || kinds.has(kind)
}

/** The name a value stands under says what it may be, where people and programs choose the names; else nothing. */
function nameOf({ kind, path }: TextPart): string {
  if (kind === 'message' || kind === 'reasoning' || kind === 'tool-definition') return ''
  const bracket = path.lastIndexOf('[')
  const name = path.endsWith(']') && bracket !== -1 ? path.slice(0, bracket) : path
  return name.slice(name.lastIndexOf('.') + 1)
}

// Two milliseconds or so of ordinary text.
export const SLICE = 131_072
// Texts shorter than this are looked through sooner than remembered.
const SHORTEST = 20
// In one message those shorter than this are looked through once, if there are more than a few texts.
const LONGEST_SHORT = 200
const FEW = 8
const MOST_SHORT = 10_000
// What it costs to begin with a text, and to look one up, in characters.
const PER_TEXT = 128
const LOOK_UP = 64
const WORTH = 4_096
// To hash a text is that much faster than to look through it.
const HASHING = 8
export const MOST_MATCHES = 100_000

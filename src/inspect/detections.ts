import type { TextKind, TextPart } from '../core/text.ts'
import type { Match } from '../core/verdict.ts'
import { passesOver } from '../detect/index.ts'
import type { Pass } from '../detect/index.ts'
import type { Binding } from './binding.ts'
import type { BoundHook } from './hook.ts'
import { PIECE, type Entry, type Remembered, type Shelf, type TenantMemo } from './memo.ts'

export type Detecting = Binding & { readonly hook: Extract<BoundHook, { readonly kind: 'detector' }> }

/** What one binding's detector found: its matches by part, or why it could not look. Passes that are shared share their time. */
export type Detected = {
  readonly binding: Detecting
  readonly outcome: { readonly matches: readonly (readonly Match[])[] } | { readonly cause: unknown }
  readonly nanoseconds: bigint
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
      const binding = detectors[member]!
      const place = pass.placeOf[i]!
      detected[member] =
        'cause' in looked
          ? { binding, outcome: looked, nanoseconds }
          : { binding, outcome: { matches: looked.found.map((sets) => sets[place]!) }, nanoseconds }
    }
  }
  return detected
}

export function isDetecting(binding: Binding): binding is Detecting {
  return binding.hook.kind === 'detector'
}

/** By part, what the memo has of its text; holes where that is nothing. */
export type Entries = (Entry | undefined)[]

/** By part, what each set of the pass finds there. */
type Looked = { readonly found: readonly Remembered[] } | { readonly cause: unknown }

function* look(
  pass: Pass,
  parts: readonly TextPart[],
  turn: Turn,
  memo: TenantMemo | undefined,
  entries: Entries,
): Generator<void, Looked> {
  const found: Remembered[] = []
  const shelf = memo !== undefined && isWorthRemembering(parts) ? memo.under(pass.digests) : undefined
  // Names and the like come again and again in one message.
  const short = new Map<string, Remembered>()
  let hits = 0
  let misses = 0
  try {
    for (let i = 0; i < parts.length; i++) {
      const { text } = parts[i]!
      const name = nameOf(parts[i]!)
      if (shelf === undefined) {
        found.push(yield* read(pass, text, name, turn))
        continue
      }
      if (text.length < SHORTEST) {
        const spelled = `${name.length}:${name}${text}`
        const before = short.get(spelled)
        const looked = before ?? (yield* read(pass, text, name, turn))
        if (before === undefined && short.size < MOST_SHORT) short.set(spelled, looked)
        found.push(looked)
        if (turn.take(LOOK_UP)) yield* turn.pass()
        continue
      }
      const whole = text.length > PIECE ? undefined : shelf.keyOf(text, name)
      const key = whole ?? (yield* keyIn(shelf, text, name, turn))
      if (whole !== undefined && turn.take(LOOK_UP + text.length / HASHING)) yield* turn.pass()
      const known = shelf.get(key)
      if (known !== undefined) hits++
      else misses++
      const entry = known ?? shelf.set(key, yield* read(pass, text, name, turn))
      entries[i] ??= entry
      found.push(entry.found)
    }
    return { found }
  } catch (cause) {
    return { cause }
  } finally {
    if (hits + misses > 0) memo?.used(hits, misses)
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
const MOST_SHORT = 10_000
// What it costs to begin with a text, and to look one up, in characters.
const PER_TEXT = 128
const LOOK_UP = 64
const WORTH = 4_096
// To hash a text is that much faster than to look through it.
const HASHING = 8

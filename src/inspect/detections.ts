import type { TextKind, TextPart } from '../core/text.ts'
import type { Match } from '../core/verdict.ts'
import { passesOver } from '../detect/index.ts'
import type { Pass } from '../detect/index.ts'
import type { Binding } from './binding.ts'
import type { BoundHook } from './hook.ts'

export type Detecting = Binding & { readonly hook: Extract<BoundHook, { readonly kind: 'detector' }> }

/** What one binding's detector found: its matches by part, or why it could not look. Passes that are shared share their time. */
export type Detected = {
  readonly binding: Detecting
  readonly outcome: { readonly matches: readonly (readonly Match[])[] } | { readonly cause: unknown }
  readonly nanoseconds: bigint
}

/**
 * Looks through the texts for all detectors, in as few passes as there can be. It yields after each `SLICE` characters, in the midst
 * of a text too, so that large messages can make room for others; not in the midst of an operator's keywords. What is found is the
 * same wherever it yields.
 */
export function* detections(
  detectors: readonly Detecting[],
  parts: readonly TextPart[],
  now: () => bigint,
): Generator<void, readonly Detected[]> {
  const detected: Detected[] = []
  for (const pass of passesOver(detectors.map((binding) => binding.hook.rules))) {
    const looked = yield* look(pass, parts, now)
    const nanoseconds = looked.nanoseconds / BigInt(pass.members.length)
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

/** By part, what each set of the pass finds there. */
type Looked = ({ readonly found: readonly (readonly (readonly Match[])[])[] } | { readonly cause: unknown }) & {
  readonly nanoseconds: bigint
}

function* look(pass: Pass, parts: readonly TextPart[], now: () => bigint): Generator<void, Looked> {
  const found: (readonly (readonly Match[])[])[] = []
  let nanoseconds = 0n
  let started = now()
  let left = SLICE
  try {
    for (const part of parts) {
      const reading = pass.read(part.text, contextOf(part))
      let rest = part.text.length
      for (let more = true; more;) {
        more = reading.advance(left)
        const taken = more ? left : Math.max(0, rest)
        rest -= taken
        left -= taken
        if (left > 0) continue
        nanoseconds += now() - started
        yield
        started = now()
        left = SLICE
      }
      found.push(reading.found())
    }
    return { found, nanoseconds: nanoseconds + now() - started }
  } catch (cause) {
    return { cause, nanoseconds: nanoseconds + now() - started }
  }
}

/** Whether what a detector finds in texts of this kind is what its rule asks for. */
export function counts({ hook: { kinds } }: Detecting, kind: TextKind): boolean {
  return kinds === undefined || kinds.has(kind)
}

/** The name a value stands under says what it may be, where people and programs choose the names. */
function contextOf({ kind, path }: TextPart): { readonly key: string } | undefined {
  if (kind === 'message' || kind === 'reasoning' || kind === 'tool-definition') return undefined
  const bracket = path.lastIndexOf('[')
  const name = path.endsWith(']') && bracket !== -1 ? path.slice(0, bracket) : path
  return { key: name.slice(name.lastIndexOf('.') + 1) }
}

// Two milliseconds or so of ordinary text.
export const SLICE = 262_144

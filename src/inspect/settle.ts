import { stricter, type Action, type HookRun, type Match } from '../core/verdict.ts'
import { passesOver } from '../detect/index.ts'
import { actionFor, runsAt, type Binding, type Hit, type How } from './binding.ts'
import type { Channel } from './channel.ts'
import { counts, isDetecting } from './detections.ts'
import { knownValues } from './known-values.ts'
import {
  byStart,
  besidePlaceholders,
  masks,
  storeReplacements,
  wireReplacements,
  type Range,
  type Replacement,
} from './spans.ts'
import type { Tally } from './tally.ts'
import type { Placeholder } from './tokens.ts'

/** What stands in a channel's window at or after the settled place. All counts are the window's. */
type Sight = {
  readonly hits: readonly Hit[]
  readonly placeholders: readonly Placeholder[]
  readonly known: readonly Range[]
  /** From here on the text could be the beginning of something. */
  readonly pending: number
  /** From here on the text is needed, if that is far before what is pending. */
  readonly needed: number
}

export type Settler = {
  /**
   * Decides as much of the channel as can be decided: records it, and lists the changes. `closed`: no more text comes. `least` forces
   * everything before it (in the window's count).
   */
  readonly settle: (channel: Channel, closed: boolean, least?: number) => void
  /** Lists the changes that are known, though not for certain, in what has to leave now: raw text before `until`. */
  /** False when a value that blocks begins there. */
  readonly force: (channel: Channel, until: number) => boolean
  /** Raw places where values stand that block the stream. */
  readonly blocks: readonly (readonly [Channel, number])[]
  /** From now on these values are masked on both sides wherever they stand. */
  readonly mask: (values: readonly string[]) => void
  /** From now on these values are not stored, beside those found. */
  readonly know: (values: readonly string[]) => void
  /** Adds a run of each hook to the tally. */
  readonly finish: () => void
}

export function createSettler(
  bindings: readonly Binding[],
  how: How,
  tally: Tally,
  knownAtFirst: readonly string[],
): Settler {
  let knownBefore = knownAtFirst
  // Grows with what the stream itself reveals: a value found once is not stored where it comes again without its context.
  let known = knownValues(knownBefore)
  const detectors = bindings
    .filter(isDetecting)
    .filter((binding) => runsAt(binding, 'response'))
    .map((binding) => ({ binding, verdict: 'allow' as HookRun['verdict'], nanoseconds: 0n }))
  const passes = passesOver(detectors.map(({ binding }) => binding.hook.rules))
  const resolving = { mode: how.mode, vault: how.vault, stage: 'response' } as const
  const unsure = new WeakMap<Channel, Sight>()
  const blocks: [Channel, number][] = []
  const told = new Set<string>()
  const counted = new Set<string>()
  let masked = knownValues([])
  return { settle, force, blocks, mask, know, finish }

  function settle(channel: Channel, closed: boolean, least = 0): void {
    const from = channel.settled - channel.base
    const sight = look(channel, from, closed)
    // What is settled stays so, also when a value found since overlaps it.
    const most = Math.max(from, boundary(sight, Math.max(sight.pending, from, least), least > 0))
    const bound = closed || least > 0 ? most : beforeHalf(channel.text, most, from)
    const decided = sight.hits.length + sight.placeholders.length + sight.known.length > 0
    if (decided) {
      decide(channel, before(sight, bound), from, bound)
      unsure.set(channel, after(sight, bound))
    } else unsure.delete(channel)
    const shift = channel.base
    channel.settleTo(bound, closed || least >= channel.text.length, sight.needed)
    if (decided && channel.base !== shift) unsure.set(channel, shifted(unsure.get(channel)!, channel.base - shift))
  }

  function mask(values: readonly string[]): void {
    masked = knownValues(values, 1)
  }

  function know(values: readonly string[]): void {
    knownBefore = values
    known = knownValues([...knownBefore, ...tally.found])
  }

  function look(channel: Channel, from: number, closed: boolean): Sight {
    const { text, sealed } = channel
    // A vault without entries has nothing to restore: then not even a `Q` is held back.
    const restoring = how.vault.size() > 0
    const placeholders = restoring ? how.vault.placeholders(text) : noPlaceholders
    let pending = text.length
    if (!closed && restoring) pending = how.vault.pendingFrom(text)
    channel.restoring = pending < text.length
    if (!closed && known !== undefined) pending = Math.min(pending, known.pendingFrom(text))
    const hits: Hit[] = []
    const detected = detect(text, closed, from)
    pending = Math.min(pending, detected.pending)
    for (const [i, { binding }] of detectors.entries()) {
      if (!counts(binding, channel.kind)) continue
      for (const found of detected.matches[i] ?? noMatches) {
        if (found.end <= from || isCutOff(channel, found, from)) continue
        const match = besidePlaceholders(placeholders, found, text)
        if (match === undefined || match.end <= from) continue
        const asked = actionFor(binding, match.type, how.mode)
        const action = sealed && masks(asked) ? 'flag' : asked
        hits.push({ start: match.start, end: match.end, match, rule: binding.name, action, sealed: action !== asked })
        if (!closed && match.end === text.length) pending = Math.min(pending, match.start)
      }
    }
    if (masked !== undefined && !sealed) {
      if (!closed) pending = Math.min(pending, masked.pendingFrom(text))
      for (const { start, end } of masked.find(text)) if (end > from) hits.push(judged(start, end))
    }
    hits.sort(byStart)
    const open = placeholders.filter((one) => one.end > from)
    const knownHere = known?.find(text).filter((one) => one.end > from) ?? noRanges
    return { hits, placeholders: open, known: knownHere, pending, needed: detected.needed }
  }

  /** Matches by detector, none of one that failed. */
  function detect(text: string, closed: boolean, from: number): Detected {
    const matches: (readonly Match[])[] = []
    let pending = text.length
    let needed = text.length
    for (const pass of passes) {
      const started = how.now()
      const members = pass.members.map((member) => detectors[member]!)
      try {
        const reading = pass.read(text)
        reading.advance(Infinity)
        const found = reading.found()
        if (!closed) {
          pending = Math.min(pending, reading.pendingFrom(from))
          needed = Math.min(needed, reading.neededFrom?.() ?? text.length)
        }
        for (const [i, member] of pass.members.entries()) matches[member] = found[pass.placeOf[i]!]!
      } catch (cause) {
        for (const member of members) {
          member.verdict = 'error'
          tally.failure(member.binding, cause, how.mode)
        }
      }
      const share = (how.now() - started) / BigInt(members.length)
      for (const member of members) member.nanoseconds += share
    }
    return { matches, pending, needed }
  }

  function decide(channel: Channel, sight: Sight, from: number, bound: number): void {
    const { hits, placeholders } = sight
    const valuesBefore = tally.found.size
    for (const hit of hits) take(channel, hit)
    let alsoMasked = sight.known
    if (tally.found.size > valuesBefore && tally.found.size <= MOST_KNOWN) {
      known = knownValues([...knownBefore, ...tally.found])
      alsoMasked = known?.find(channel.text.slice(0, bound)).filter((one) => one.end > from) ?? noRanges
    }
    const wire = replacements(channel, sight)
    for (const one of wire) {
      // Half a placeholder has left already: an original after it would help nobody.
      if (one.restores && channel.left(one)) count(channel, one, false)
      else {
        if (one.restores) count(channel, one, true)
        channel.change(channel.wire, one)
      }
    }
    for (const one of placeholders) if (one.original === undefined) count(channel, one, false)
    for (const one of storeReplacements(hits, alsoMasked, wire)) channel.change(channel.store, one)
  }

  /** A placeholder that comes again in a text that repeats others was counted there. */
  function count(channel: Channel, { start, end }: Range, restored: boolean): void {
    const placeholder = channel.text.slice(start, end)
    if (channel.repeats && counted.has(placeholder)) return
    if (counted.size < MOST_TOLD) counted.add(placeholder)
    if (restored) tally.restored++
    else tally.unrestored++
  }

  function take(channel: Channel, hit: Hit): void {
    if (hit.rule === JUDGED) return
    const value = channel.text.slice(hit.start, hit.end)
    if (hit.action === 'block') blocks.push([channel, channel.rawAt(hit.start)])
    const key = `${hit.rule}\0${hit.match.type}\0${value}`
    if (channel.repeats && told.has(key)) return
    if (told.size < MOST_TOLD) told.add(key)
    if (value !== '' && tally.found.size < MOST_TOLD) tally.found.add(value)
    tally.finding(hit, channel.path, channel.base + hit.start)
    if (hit.sealed === true) tally.sealed(hit.rule, channel.path)
    const detector = detectors.find((one) => one.binding.name === hit.rule)
    if (detector !== undefined) detector.verdict = worse(detector.verdict, hit.action)
  }

  function replacements(channel: Channel, { hits, placeholders }: Sight): readonly Replacement[] {
    return channel.sealed ? noReplacements : wireReplacements(channel.text, hits, placeholders, resolving)
  }

  function force(channel: Channel, until: number): boolean {
    const sight = unsure.get(channel)
    if (sight === undefined) return true
    const blocking = sight.hits.find((hit) => hit.action === 'block' && channel.rawAt(hit.start) < until)
    if (blocking !== undefined) {
      blocks.push([channel, channel.rawAt(blocking.start)])
      tally.decide('block', blocking.rule)
      return false
    }
    for (const one of replacements(channel, sight)) {
      if (one.restores && channel.left(one)) continue
      if (channel.rawAt(one.start) < until) channel.change(channel.wire, one, until)
    }
    return true
  }

  function finish(): void {
    for (const { binding, verdict, nanoseconds } of detectors) tally.ran(binding, verdict, nanoseconds)
  }
}

type Detected = {
  readonly matches: readonly (readonly Match[])[]
  readonly pending: number
  readonly needed: number
}

/**
 * A match over the settled place is one that a rule set did not announce. It is taken for what it is, unless it begins where the
 * window does: there it may be an artefact of the cut.
 */
function isCutOff(channel: Channel, match: Match, from: number): boolean {
  return match.start < from && channel.base > 0 && match.start < GUARD
}

/** `bound`, moved so that nothing found lies across it: back to where that begins, or forward to its end when `forced`. */
function boundary({ hits, placeholders, known }: Sight, bound: number, forced: boolean): number {
  const ranges: Range[] = [...hits, ...placeholders, ...known].sort(byStart)
  let start = 0
  let end = 0
  for (const range of ranges) {
    if (range.start >= bound && range.start >= end) break
    if (range.start >= end) {
      start = range.start
      end = range.end
    } else end = Math.max(end, range.end)
  }
  if (start < bound && end > bound) return forced ? end : start
  return bound
}

/** `bound`, or before the character of which only the first half would be decided. */
function beforeHalf(text: string, bound: number, from: number): number {
  return bound > from && (text.charCodeAt(bound - 1) & 0xfc00) === 0xd800 ? bound - 1 : bound
}

function before(sight: Sight, bound: number): Sight {
  return only(sight, (one) => one.end <= bound)
}

function after(sight: Sight, bound: number): Sight {
  return only(sight, (one) => one.end > bound)
}

function only(sight: Sight, wanted: (one: Range) => boolean): Sight {
  const { hits, placeholders, known } = sight
  return {
    ...sight,
    hits: hits.filter(wanted),
    placeholders: placeholders.filter(wanted),
    known: known.filter(wanted),
  }
}

function shifted({ hits, placeholders, known, pending, needed }: Sight, by: number): Sight {
  const move = <R extends Range>(one: R): R => ({ ...one, start: one.start - by, end: one.end - by })
  return {
    hits: hits.map(move),
    placeholders: placeholders.map(move),
    known: known.map(move),
    pending: pending - by,
    needed: needed - by,
  }
}

/** What a judge found in the whole answer, and recorded there. */
function judged(start: number, end: number): Hit {
  const match = { type: JUDGED, rule: JUDGED, start, end, confidence: 1, severity: 'medium' } as const
  return { start, end, match, rule: JUDGED, action: 'redact' }
}

function worse(a: HookRun['verdict'], b: Action): HookRun['verdict'] {
  return a !== 'error' && stricter(b, a) ? b : a
}

const JUDGED = 'JUDGED'
const GUARD = 64
const MOST_TOLD = 10_000
const MOST_KNOWN = 1_000
const noPlaceholders: readonly Placeholder[] = []
const noMatches: readonly Match[] = []
const noRanges: readonly Range[] = []
const noReplacements: readonly Replacement[] = []

import { setImmediate } from 'node:timers/promises'
import type { AnswerFacts } from '../core/chat.ts'
import type { Edit, TextPart } from '../core/text.ts'
import { stricter, type Action, type Match, type Stage } from '../core/verdict.ts'
import { actionFor, runsAt, type Binding, type Hit, type How, type Inspection } from './binding.ts'
import { counts, detections, isDetecting, SLICE, type Detected, type Entries } from './detections.ts'
import type { ExchangeFacts, Judgement, JudgeInput } from './hook.ts'
import { runJudge } from './judge.ts'
import { carriedOver, seamsOf, type Seam } from './seams.ts'
import { knownValues, type KnownValues } from './known-values.ts'
import { MOST_PLACES } from './memo.ts'
import {
  byStart,
  besidePlaceholders,
  masks,
  storeReplacements,
  wireReplacements,
  type Range,
  type Replacement,
} from './spans.ts'
import { Tally } from './tally.ts'
import type { Placeholder } from './tokens.ts'

/** A text that may not change, because a signature covers it. */
export type InspectedPart = TextPart & { readonly sealed?: true }

export type PartsInput = {
  readonly stage: Stage
  readonly parts: readonly InspectedPart[]
  readonly bodyBytes: number
  readonly answer?: AnswerFacts
  readonly continued?: true
  readonly facts: ExchangeFacts
  /** Values found earlier in the exchange: never stored, whatever is bound here. */
  readonly known?: readonly string[]
}

/**
 * Runs every bound hook over a whole message. The result comes at once, not as a promise, when only detectors are bound and what they
 * look through costs no more than `SLICE` characters do; else it is inspected in slices of that, with others' turns between.
 */
export function inspectParts(
  bindings: readonly Binding[],
  input: PartsInput,
  how: How,
): Promise<Inspection> | Inspection {
  const active = bindings.filter((binding) => runsAt(binding, input.stage) && isFor(binding, input.facts))
  const work: Work = { input, how, tally: new Tally(input.stage), hits: [], entries: [], placeholders: [] }
  const judges = active.filter((binding) => binding.hook.kind === 'judge')
  // Nothing an outside judge says could undo a block.
  const judged = (): Promise<void> | undefined =>
    judges.length === 0 || work.tally.decision === 'block' ? undefined : judge(work, judges)
  const detecting = inTurns(detect(work, active))
  if (detecting !== undefined) return detecting.then(judged).then(() => inTurns(conclude(work)))
  return judged()?.then(() => inTurns(conclude(work))) ?? inTurns(conclude(work))
}

/** `hits[i]` belongs to part i; holes where nothing was found. */
type Work = {
  readonly input: PartsInput
  readonly how: How
  readonly tally: Tally
  readonly hits: (Hit[] | undefined)[]
  readonly entries: Entries
  /** Of parts in which something was found. */
  readonly placeholders: (readonly Placeholder[] | undefined)[]
}

function* detect(work: Work, active: readonly Binding[]): Generator<void, void> {
  const { how } = work
  const { parts } = work.input
  const seams = seamsOf(parts)
  const texts = seams.length === 0 ? parts : [...parts, ...seams.map((seam) => seam.part)]
  for (const one of yield* detections(active.filter(isDetecting), texts, how.now, how.memo, work.entries))
    yield* take(work, one, seams)
}

function* take(work: Work, { binding, outcome, nanoseconds }: Detected, seams: readonly Seam[]): Generator<void, void> {
  const { tally, how, input } = work
  let verdict: Action | 'error' = 'allow'
  if ('cause' in outcome) {
    verdict = 'error'
    tally.failure(binding, outcome.cause, how.mode)
  } else {
    let taken = 0
    const known: (readonly Match[])[] = seams.length === 0 ? [] : input.parts.map((_, i) => outcome.in(i))
    for (const i of outcome.some) {
      // An index below zero is a name to the engine, and slow.
      const seam = i < input.parts.length ? undefined : seams[i - input.parts.length]
      if (!counts(binding, (input.parts[i] ?? seam!.part).kind)) continue
      for (const match of outcome.in(i)) {
        const carried = seam === undefined ? undefined : carriedOver(seam, match, known)
        for (const [part, piece] of carried ?? []) known[part] = [...known[part]!, piece]
        const action = carried === undefined ? keep(work, binding, i, match) : keepAll(work, binding, carried)
        if (action !== undefined && stricter(action, verdict)) verdict = action
        if (++taken % MOST_AT_ONCE === 0) yield
      }
    }
  }
  tally.ran(binding, verdict, nanoseconds)
}

async function judge(work: Work, judges: readonly Binding[]): Promise<void> {
  const input: JudgeInput = work.input
  const runs = await Promise.all(judges.map((binding) => runJudge(binding, input, work.how)))
  for (const [i, run] of runs.entries()) {
    const binding = judges[i]!
    if (run.kind === 'judged') {
      work.tally.ran(binding, takeJudgement(work, binding, run.judgement), run.nanoseconds)
    } else {
      work.tally.failure(binding, run.cause, work.how.mode)
      work.tally.ran(binding, 'error', run.nanoseconds)
    }
  }
}

function takeJudgement(work: Work, binding: Binding, { verdict, findings, retryAfterSeconds }: Judgement): Action {
  const { how, tally } = work
  let worst: Action = 'allow'
  for (const finding of findings) {
    const forced = verdict === undefined ? undefined : observed(verdict, how.mode)
    const action = keep(work, binding, finding.part, finding, forced)
    if (action !== undefined && stricter(action, worst)) worst = action
  }
  if (verdict !== undefined && stricter(observed(verdict, how.mode), worst)) {
    worst = observed(verdict, how.mode)
    tally.decide(worst, binding.name)
  }
  if (retryAfterSeconds !== undefined) tally.limited(binding.name, retryAfterSeconds)
  return worst
}

/** The pieces of one value. A placeholder of ours does not go on. */
function keepAll(work: Work, binding: Binding, pieces: readonly (readonly [number, Match])[]): Action | undefined {
  let worst: Action | undefined
  for (const [part, match] of pieces) {
    const action = keep(work, binding, part, match)
    if (action === undefined) break
    if (worst === undefined || stricter(action, worst)) worst = action
  }
  return worst
}

/** Takes a match in: the action it got, or undefined when it is only a placeholder of ours. */
function keep(work: Work, binding: Binding, part: number | null, found: Match, forced?: Action): Action | undefined {
  const { input, how, tally, hits } = work
  const asked = forced ?? actionFor(binding, found.type, how.mode)
  if (part === null) {
    tally.finding({ start: 0, end: 0, match: found, rule: binding.name, action: asked }, '', 0)
    return asked
  }
  const { text, path, sealed } = input.parts[part]!
  const match = besidePlaceholders((work.placeholders[part] ??= how.vault.placeholders(text)), found, text)
  if (match === undefined) return undefined
  const action = sealed === true && masks(asked) ? 'flag' : asked
  const hit: Hit = { start: match.start, end: match.end, match, rule: binding.name, action }
  tally.finding(hit, path, match.start)
  if (action !== asked) tally.sealed(binding.name, path)
  if (match.end > match.start) tally.found.add(text.slice(match.start, match.end))
  const list = hits[part]
  if (list === undefined) hits[part] = [hit]
  else list.push(hit)
  return action
}

function* conclude({ input, how, tally, hits, entries }: Work): Generator<void, Inspection> {
  const { parts, stage } = input
  const edits: Edit[] = []
  const storeEdits: Edit[] = []
  const values = [...tally.found, ...(input.known ?? [])]
  const known = knownValues(values)
  const name = known === undefined ? undefined : how.memo?.nameOf(values)
  const resolving = { mode: how.mode, vault: how.vault, stage }
  let looked = 0
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!
    const placeholders = stage === 'response' ? how.vault.placeholders(part.text) : noPlaceholders
    const own = hits[i]
    if (own === undefined && placeholders.length === 0 && known === undefined) continue
    looked += PER_PART
    if (looked >= SLICE) {
      looked = 0
      yield
    }
    const entry = name === undefined ? undefined : entries[i]
    let ranges = entry?.known?.name === name ? entry?.known?.places : undefined
    if (ranges === undefined && known !== undefined) {
      looked += part.text.length
      ranges = yield* placesIn(part.text, known)
      if (entry !== undefined && name !== undefined && ranges.length <= MOST_PLACES)
        entry.known = { name, places: ranges }
    }
    if (own === undefined && placeholders.length === 0 && ranges?.length === 0) continue
    own?.sort(byStart)
    const wire = wireReplacements(part.text, own ?? noHits, placeholders, resolving)
    if (part.sealed !== true && tally.decision !== 'block') {
      for (const one of wire) edits.push(edit(part, one))
      countRestored(tally, placeholders, wire)
    }
    const stored = storeReplacements(own ?? noHits, ranges ?? noRanges, wire)
    // What is stored is nobody's to verify: there a signature may break.
    const storedPart = part.sealed === true ? { ...part, sealed: undefined } : part
    for (const one of stored) storeEdits.push(edit(storedPart, one))
  }
  return tally.inspection({ edits, storeEdits })
}

function* placesIn(text: string, known: KnownValues): Generator<void, readonly Range[]> {
  const found: { start: number; end: number }[] = []
  for (let from = 0; from < text.length; from += SLICE) {
    if (from > 0) yield
    known.findBetween(text, from, from + SLICE, found)
  }
  return found
}

/** Detectors may be for some exchanges only. */
function isFor({ hook }: Binding, facts: ExchangeFacts): boolean {
  return hook.kind !== 'detector' || hook.applies === undefined || hook.applies(facts)
}

/** What the steps come to: at once if they never yield. Others have their turn wherever they do. */
function inTurns<T>(steps: Generator<void, T>): T | Promise<T> {
  const step = steps.next()
  return step.done === true ? step.value : goOn(steps)
}

async function goOn<T>(steps: Generator<void, T>): Promise<T> {
  for (;;) {
    await setImmediate()
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

function countRestored(tally: Tally, placeholders: readonly Placeholder[], wire: readonly Replacement[]): void {
  for (const one of wire) if (one.restores) tally.restored++
  for (const one of placeholders) if (one.original === undefined) tally.unrestored++
}

function edit(part: TextPart, { start, end, text }: Replacement): Edit {
  return { part, start, end, replacement: text }
}

function observed<A extends Action>(action: A, mode: How['mode']): A | 'flag' {
  return mode === 'observe' && stricter(action, 'flag') ? 'flag' : action
}

const noHits: readonly Hit[] = []
const noRanges: readonly Range[] = []
const noPlaceholders: readonly Placeholder[] = []
// What it costs to conclude on a part, in characters.
const PER_PART = 16
// So many matches are taken before others have their turn: a millisecond or two.
const MOST_AT_ONCE = 2_000

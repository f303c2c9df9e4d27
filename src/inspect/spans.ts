import { stricter, type Action, type Stage } from '../core/verdict.ts'
import type { Hit, How } from './binding.ts'
import type { Placeholder } from './tokens.ts'

/** Replaces [start, end) of a text. `restores`: it is an original put back. */
export type Replacement = {
  readonly start: number
  readonly end: number
  readonly text: string
  readonly restores: boolean
}

/** Hits that overlap, taken as one: the strictest action wins. */
export type Span = { readonly start: number; readonly end: number; readonly lead: Hit }

export type Range = { readonly start: number; readonly end: number }

/** Overlapping hits joined, in order. `hits` must be sorted by start. */
export function joined(hits: readonly Hit[]): Span[] {
  const spans: Span[] = []
  for (const hit of hits) {
    if (hit.start === hit.end) continue
    const last = spans.at(-1)
    if (last === undefined || hit.start >= last.end) spans.push({ start: hit.start, end: hit.end, lead: hit })
    else spans[spans.length - 1] = { start: last.start, end: Math.max(last.end, hit.end), lead: leader(last.lead, hit) }
  }
  return spans
}

/** What changes on the wire: masking hits joined and replaced, and on answers our placeholders undone where nothing is masked. */
export function wireReplacements(
  text: string,
  hits: readonly Hit[],
  placeholders: readonly Placeholder[],
  how: Pick<How, 'mode' | 'vault'> & { readonly stage: Stage },
): Replacement[] {
  const masking = how.mode === 'enforce' ? hits.filter((hit) => masks(hit.action)) : noHits
  const replacements = joined(masking).map(({ start, end, lead }) => ({
    start,
    end,
    text: replacementFor(text.slice(start, end), lead, how),
    restores: false,
  }))
  if (how.stage !== 'response' || placeholders.length === 0) return replacements
  const masked = replacements.length
  let next = 0
  for (const { start, end, original } of placeholders) {
    while (next < masked && replacements[next]!.end <= start) next++
    if (original === undefined || (next < masked && replacements[next]!.start < end)) continue
    replacements.push({ start, end, text: original, restores: true })
  }
  return replacements.sort(byStart)
}

/** What changes in the stored copy: every hit and every known value masked, whatever the rules do with it. */
export function storeReplacements(
  hits: readonly Hit[],
  known: readonly Range[],
  wire: readonly Replacement[],
): Replacement[] {
  const spans: { start: number; end: number; lead: Hit | null }[] = joined(hits)
  for (const { start, end } of known) spans.push({ start, end, lead: null })
  spans.sort(byStart)
  const out: Replacement[] = []
  let next = 0
  for (let i = 0; i < spans.length; i++) {
    const { start } = spans[i]!
    let { end, lead } = spans[i]!
    while (i + 1 < spans.length && spans[i + 1]!.start < end) {
      i++
      end = Math.max(end, spans[i]!.end)
      lead ??= spans[i]!.lead
    }
    while (next < wire.length && wire[next]!.start < start) next++
    const same = wire[next]?.start === start && wire[next]?.end === end && !wire[next]?.restores
    out.push({ start, end, text: same ? wire[next]!.text : maskFor(lead?.match.type ?? null), restores: false })
  }
  return out
}

export function maskFor(type: string | null): string {
  return type === null ? '[REDACTED]' : `[REDACTED:${type}]`
}

/** Whether the action takes the value off the wire. */
export function masks(action: Action): boolean {
  return action === 'tokenize' || action === 'redact'
}

/**
 * What of a match is none of our placeholders, in order as given: they look like secrets to some rules, and they stand where the values
 * stood. Undefined when nothing worth hiding is left, as between two of them; of several stretches the longest.
 */
export function besidePlaceholders<R extends Range>(
  placeholders: readonly Placeholder[],
  match: R,
  text: string,
): R | undefined {
  let low = 0
  let high = placeholders.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (placeholders[middle]!.end <= match.start) low = middle + 1
    else high = middle
  }
  let { start } = match
  let longest: Range | undefined
  let covered = false
  const take = (end: number): void => {
    if (longest === undefined || end - start > longest.end - longest.start) longest = { start, end }
  }
  for (let i = low; i < placeholders.length && placeholders[i]!.start < match.end; i++) {
    const one = placeholders[i]!
    if (!one.ours) continue
    covered = true
    if (one.start > start) take(one.start)
    start = one.end
  }
  if (!covered) return match
  if (start < match.end) take(match.end)
  return longest !== undefined && worthHiding(text.slice(longest.start, longest.end))
    ? { ...match, ...longest }
    : undefined
}

/** A name, a colon, the quotation mark before a placeholder are not; an address is, however short. */
function worthHiding(text: string): boolean {
  return address.test(text) || text.replaceAll(/[^\p{L}\p{N}]+/gu, '').length >= SHORTEST_SECRET
}

const SHORTEST_SECRET = 8
const address = /[\p{L}\p{N}]@[\p{L}\p{N}]/u

export function byStart(a: Range, b: Range): number {
  return a.start - b.start || b.end - a.end
}

function replacementFor(value: string, lead: Hit, how: Pick<How, 'vault'> & { readonly stage: Stage }): string {
  if (lead.action === 'tokenize' && how.stage === 'request') return how.vault.placeholderFor(lead.match.type, value)
  return maskFor(lead.match.type)
}

/** Of two overlapping hits the one that names the span: by action, then severity of belief, then length. */
function leader(a: Hit, b: Hit): Hit {
  if (a.action !== b.action) return stricter(a.action, b.action) ? a : b
  if (a.match.confidence !== b.match.confidence) return a.match.confidence > b.match.confidence ? a : b
  return b.end - b.start > a.end - a.start ? b : a
}

const noHits: readonly Hit[] = []

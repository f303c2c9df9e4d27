import type { Match } from '../core/verdict.ts'

/** Matches in order of their start, none overlapping another: higher confidence wins, then the longer, then the earlier. */
export function resolved(matches: readonly Match[]): Match[] {
  if (isResolved(matches)) return [...matches]
  const kept: Match[] = []
  for (const _ of settling(
    matches.toSorted((a, b) => a.start - b.start),
    kept,
  ));
  return kept
}

/** The same for very many, in steps. Of thousands that hang together some may overlap. */
export function* resolvedInSteps(matches: readonly Match[]): Generator<void, Match[]> {
  const sorted = yield* sortedInSteps(matches)
  const kept: Match[] = []
  yield* settling(sorted, kept)
  return kept
}

/** What starts in the same stretch of the text is sorted at once. */
function* sortedInSteps(matches: readonly Match[]): Generator<void, Match[]> {
  const stretches = new Map<number, Match[]>()
  for (let i = 0; i < matches.length; i++) {
    const match = matches[i] as Match
    const stretch = Math.floor(match.start / stretchLength)
    const there = stretches.get(stretch)
    if (there === undefined) stretches.set(stretch, [match])
    else there.push(match)
    if (i % mostAtOnce === mostAtOnce - 1) yield
  }
  const sorted: Match[] = []
  let since = 0
  for (const stretch of [...stretches.keys()].toSorted((a, b) => a - b)) {
    const there = (stretches.get(stretch) as Match[]).sort((a, b) => a.start - b.start)
    for (const match of there) sorted.push(match)
    if ((since += there.length) > mostAtOnce) {
      since = 0
      yield
    }
  }
  return sorted
}

/** `sorted` by start. */
function* settling(sorted: readonly Match[], kept: Match[]): Generator<void, void> {
  let rest = mostAtOnce
  // What overlaps with nothing of another cluster is settled within its own, however many there are.
  for (let from = 0, to = 0; from < sorted.length; from = to) {
    let end = 0
    const most = Math.min(sorted.length, from + mostAtOnce)
    for (to = from; to < most && (to === from || (sorted[to] as Match).start < end); to++) {
      end = Math.max(end, (sorted[to] as Match).end)
    }
    if (to === from + 1) kept.push(sorted[from] as Match)
    else for (const match of settled(sorted.slice(from, to))) kept.push(match)
    if (to > rest) {
      rest = to + mostAtOnce
      yield
    }
  }
}

function isResolved(matches: readonly Match[]): boolean {
  for (let i = 1; i < matches.length; i++) {
    if ((matches[i] as Match).start < (matches[i - 1] as Match).end) return false
  }
  return true
}

function settled(cluster: Match[]): Match[] {
  cluster.sort(
    (a, b) =>
      b.confidence - a.confidence || b.end - b.start - (a.end - a.start) || a.start - b.start || order(a.rule, b.rule),
  )
  const kept: Match[] = []
  for (const match of cluster) {
    const at = insertion(kept, match.start)
    const before = kept[at - 1]
    const after = kept[at]
    if ((before === undefined || before.end <= match.start) && (after === undefined || after.start >= match.end)) {
      kept.splice(at, 0, match)
    }
  }
  return kept
}

/** The index of the first match that starts at or behind `start`. */
function insertion(sorted: readonly Match[], start: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as Match).start < start) low = middle + 1
    else high = middle
  }
  return low
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

// So many are settled before others have their turn.
const mostAtOnce = 4_096
const stretchLength = 4_096

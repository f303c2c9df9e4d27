type Place = { start: number; end: number }

/** Finds exact values in texts. */
export type KnownValues = {
  readonly find: (text: string) => Place[]
  /** Adds those that begin in [from, to) to what was found before `from`: a long text in slices. */
  readonly findBetween: (text: string, from: number, to: number, found: Place[]) => void
  /** The index from which the text could be the beginning of a value. */
  readonly pendingFrom: (text: string) => number
}

/**
 * Looks for values that must not be stored anywhere else once they were found; undefined when there are none. Those shorter than
 * `shortest` are left out: they would be found in the midst of innocent words. Places that overlap come back as one.
 */
export function knownValues(values: Iterable<string>, shortest = 4): KnownValues | undefined {
  const kept = [...new Set(values)].filter((value) => value.length >= shortest).slice(0, maxValues)
  if (kept.length === 0) return undefined
  // Longest first, so that the first to fit at a place covers the others that begin there.
  kept.sort((a, b) => b.length - a.length)
  const byHead = new Map<string, Bucket>()
  const firsts = new Uint8Array(65_536)
  for (const value of kept) {
    firsts[value.charCodeAt(0)] = 1
    const head = value.slice(0, shortest)
    const bucket = byHead.get(head) ?? { values: new Set(), lengths: [] }
    byHead.set(head, bucket)
    bucket.values.add(value)
    if (bucket.lengths.at(-1) !== value.length) bucket.lengths.push(value.length)
  }
  const longest = Math.min(kept[0]!.length, mostPending)
  const step = Math.min(kept.at(-1)!.length - 2, 16)
  const groups = step < 1 ? undefined : { step, all: groupsOf(kept, step), first: groupsOf(kept, 1) }
  const table: Table = { shortest, firsts, byHead, groups }
  const findBetween: KnownValues['findBetween'] = (text, from, to, found) => look(table, text, from, to, found)
  return { find, findBetween, pendingFrom }

  function find(text: string): Place[] {
    const found: Place[] = []
    look(table, text, 0, text.length, found)
    return found
  }

  function pendingFrom(text: string): number {
    for (let i = Math.max(0, text.length - longest + 1); i < text.length; i++) {
      if (firsts[text.charCodeAt(i)] === 0) continue
      if (begins(text.slice(i))) return i
    }
    return text.length
  }

  function begins(rest: string): boolean {
    if (rest.length < shortest) return byHead.keys().some((head) => head.startsWith(rest))
    const bucket = byHead.get(rest.slice(0, shortest))
    return bucket?.values.values().some((value) => value.length > rest.length && value.startsWith(rest)) === true
  }
}

/** What looks through texts is made once, not for each set of values: the engine keeps what it has learnt of it. */
type Table = {
  readonly shortest: number
  /** Characters that values begin with. */
  readonly firsts: Uint8Array
  readonly byHead: ReadonlyMap<string, Bucket>
  /**
   * Of all places where a value can begin, one in `step` is looked at: it is in one of the value's first groups of three, which are
   * in `all`. None where a value is too short for that.
   */
  readonly groups: { readonly step: number; readonly all: Uint8Array; readonly first: Uint8Array } | undefined
}

function look(table: Table, text: string, from: number, to: number, found: Place[]): void {
  const { shortest, groups } = table
  const end = Math.min(to, text.length - shortest + 1)
  // Texts and values made to agree for long and then not would cost their product: then whatever begins like a value is one.
  const budget = { left: costPerCharacter * Math.max(0, end - from) + costAtLeast }
  if (groups === undefined) {
    for (let at = from; at < end; at++) lookAt(table, text, at, found, budget)
    return
  }
  const { step, all, first } = groups
  for (let at = from; at < end; at += step) {
    const last = Math.min(at + step, end) - 1
    if (all[groupAt(text, last)] === 0) continue
    for (let i = at; i <= last; i++) if (first[groupAt(text, i)] !== 0) lookAt(table, text, i, found, budget)
  }
}

function lookAt(table: Table, text: string, at: number, found: Place[], budget: Budget): void {
  if (table.firsts[text.charCodeAt(at)] === 0) return
  const length = lengthAt(table, text, at, budget)
  if (length === 0) return
  const before = found.at(-1)
  if (before !== undefined && at < before.end) before.end = Math.max(before.end, at + length)
  else found.push({ start: at, end: at + length })
}

/** Characters that may still be compared. */
type Budget = { left: number }

/** The length of the longest value that stands at a place: one look-up for each length there is, however many values begin alike. */
function lengthAt({ byHead, shortest }: Table, text: string, at: number, budget: Budget): number {
  const bucket = byHead.get(text.slice(at, at + shortest))
  if (bucket === undefined) return 0
  for (const length of bucket.lengths) {
    if (at + length > text.length) continue
    if (budget.left <= 0) return length
    budget.left -= length
    if (bucket.values.has(text.slice(at, at + length))) return length
  }
  return 0
}

/** Which groups of three characters stand in values at their first `step` places, by their hash. */
function groupsOf(values: readonly string[], step: number): Uint8Array {
  const groups = new Uint8Array(32_768)
  for (const value of values) for (let at = 0; at < step; at++) groups[groupAt(value, at)] = 1
  return groups
}

/** Past the end there is nothing: a value that begins in the text also ends in it. */
function groupAt(text: string, at: number): number {
  return ((text.charCodeAt(at) << 10) ^ (text.charCodeAt(at + 1) << 5) ^ text.charCodeAt(at + 2)) & 32_767
}

/** Values with the same beginning, and their lengths, longest first. */
type Bucket = { readonly values: Set<string>; readonly lengths: number[] }

const mostPending = 512
const costPerCharacter = 16
const costAtLeast = 65_536
// Thousands of values in one message are an attack on our time; each is masked where it was found all the same.
const maxValues = 5_000

import { type LedgerFilter, unfitFilters } from './filter.ts'
import { Groups, type StatsGroup, type StatsKey } from './ledger-groups.ts'
import { percentilesOf, type Percentiles } from './percentiles.ts'
import type { Segment } from './segment.ts'
import { select, type Selected } from './selection.ts'
import type { Store } from '../../store/open.ts'

type Counts = Readonly<Record<string, number>>

export type LedgerStats = {
  readonly exchanges: number
  readonly decisions: Counts
  readonly states: Counts
  readonly providers: Counts
  readonly models: Counts
  /** Findings by type. */
  readonly findings: Counts
  /** By handling; empty when the filter is about more than connections have. */
  readonly connections: Counts
  readonly tokens: Counts
  /** The sum of what is known, null when nothing is; `unpriced` exchanges have tokens and no price. */
  readonly cost_usd: number | null
  readonly unpriced: number
  readonly duration_ms: Percentiles
  readonly first_byte_ms: Percentiles
  readonly added_ms: Percentiles
  /** With `by`: the same exchanges by a column or a span of time. */
  readonly groups?: readonly StatsGroup[]
}

/** Counts and sums of the rows that fit. Of providers, models and findings the hundred with most. */
export function statsOf(
  place: { readonly db: Store; readonly dir: string },
  filter: Omit<LedgerFilter, 'text'>,
  by?: StatsKey,
): LedgerStats {
  const counted = select(place, { table: 'exchanges', filter }, (selected) => exchangesOf(selected, by))
  if (unfitFilters('connections', filter).length > 0) return { ...counted, connections: {} }
  return { ...counted, connections: select(place, { table: 'connections', filter }, handlingsOf) }
}

function handlingsOf(selected: Iterable<Selected>): Counts {
  const tally = new Tally()
  for (const { segment, indexes } of selected) tally.add(segment, 'handling', indexes())
  return tally.counts()
}

function exchangesOf(selected: Iterable<Selected>, by: StatsKey | undefined): Omit<LedgerStats, 'connections'> {
  const tallies = new Map(['decision', 'state', 'provider', 'model', 'findings'].map((name) => [name, new Tally()]))
  const sums = new Map(tokenColumns.map((name) => [name, 0]))
  const times = { duration_ms: new Gathered(), first_byte_ms: new Gathered(), added_ms: new Gathered() }
  const groups = by === undefined ? undefined : new Groups(by)
  const cost = { total: new Sum(), unpriced: 0 }
  let exchanges = 0
  for (const { segment, indexes: fitting } of selected) {
    const indexes = fitting()
    if (indexes.length === 0) continue
    exchanges += indexes.length
    for (const [name, tally] of tallies) tally.add(segment, name, indexes)
    for (const name of tokenColumns) sums.set(name, (sums.get(name) ?? 0) + sumOf(segment.numbers(name), indexes))
    for (const [name, gathered] of Object.entries(times)) gathered.add(segment.numbers(name), indexes)
    addCost(cost, segment, indexes)
    groups?.add(segment, indexes)
  }
  const counts = (name: string): Counts => tallies.get(name)?.counts() ?? {}
  return {
    exchanges,
    decisions: counts('decision'),
    states: counts('state'),
    providers: counts('provider'),
    models: counts('model'),
    findings: tallies.get('findings')?.countsOfLists() ?? {},
    tokens: Object.fromEntries(tokenColumns.map((name) => [name.replace('_tokens', ''), sums.get(name) ?? 0])),
    cost_usd: cost.total.value(),
    unpriced: cost.unpriced,
    duration_ms: percentilesOf(times.duration_ms.values()),
    first_byte_ms: percentilesOf(times.first_byte_ms.values()),
    added_ms: percentilesOf(times.added_ms.values()),
    ...(groups === undefined ? {} : { groups: groups.all() }),
  }
}

/** How often each word stands in a column. */
class Tally {
  readonly #counts = new Map<string, number>()

  add(segment: Segment, column: string, indexes: Uint32Array): void {
    const { names, codes } = segment.words(column)
    const counts = new Uint32Array(names.length)
    for (const index of indexes) counts[codes[index] as number]! += 1
    names.forEach((name, code) => {
      const count = counts[code] as number
      if (name !== null && count > 0) this.#counts.set(name, (this.#counts.get(name) ?? 0) + count)
    })
  }

  counts(): Counts {
    return ranked(this.#counts)
  }

  /** Of words that are lists of types: how often each type. */
  countsOfLists(): Counts {
    const types = new Map<string, number>()
    for (const [list, count] of this.#counts) {
      for (const type of JSON.parse(list) as unknown[]) {
        if (typeof type === 'string') types.set(type, (types.get(type) ?? 0) + count)
      }
    }
    return ranked(types)
  }
}

/** The numbers of a column that are known. */
class Gathered {
  #values = new Float64Array(8_192)
  #used = 0

  add(numbers: Float64Array, indexes: Uint32Array): void {
    if (this.#used + indexes.length > this.#values.length) {
      const larger = new Float64Array(2 * (this.#used + indexes.length))
      larger.set(this.#values)
      this.#values = larger
    }
    for (const index of indexes) {
      const number = numbers[index] as number
      // NaN is not itself.
      if (number === number) this.#values[this.#used++] = number
    }
  }

  values(): Float64Array {
    return this.#values.subarray(0, this.#used)
  }
}

/** A sum that does not lose cents over a million addends (Neumaier); null without any. */
export class Sum {
  #sum = 0
  #lost = 0
  #any = false

  add(value: number): void {
    const sum = this.#sum + value
    this.#lost += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - sum + value : value - sum + this.#sum
    this.#sum = sum
    this.#any = true
  }

  value(): number | null {
    return this.#any ? this.#sum + this.#lost : null
  }
}

function addCost(cost: { total: Sum; unpriced: number }, segment: Segment, indexes: Uint32Array): void {
  const [costs, output] = [segment.numbers('cost_usd'), segment.numbers('output_tokens')]
  for (const index of indexes) {
    const price = costs[index] as number
    if (!Number.isNaN(price)) cost.total.add(price)
    else if (!Number.isNaN(output[index])) cost.unpriced += 1
  }
}

function sumOf(numbers: Float64Array, indexes: Uint32Array): number {
  let sum = 0
  for (const index of indexes) {
    const number = numbers[index] as number
    if (number === number) sum += number
  }
  return sum
}

function ranked(counts: ReadonlyMap<string, number>): Counts {
  const entries = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
  return Object.fromEntries(entries.slice(0, GROUPS))
}

const tokenColumns = ['input_tokens', 'cached_tokens', 'cache_write_tokens', 'output_tokens', 'reasoning_tokens']
const GROUPS = 100

import type { Segment } from './segment.ts'

/** What exchanges can be told apart by. A row with findings of several types counts for each; one without a value for none. */
export const statsKeys = [
  'hour',
  'day',
  'month',
  'host',
  'provider',
  'model',
  'principal',
  'decision',
  'state',
  'door',
  'operation',
  'status',
  'rule',
  'finding',
] as const

export type StatsKey = (typeof statsKeys)[number]

export type StatsGroup = {
  /** Spans of time as the beginning of ISO 8601 in UTC: `2026-11-20T19`. */
  readonly name: string
  readonly exchanges: number
  /** Those in which policy found something. */
  readonly with_findings: number
  /** Those that were blocked. */
  readonly blocked: number
  /** With cached ones and those written to a cache. */
  readonly input_tokens: number
  /** With reasoning. */
  readonly output_tokens: number
  readonly cost_usd: number | null
  readonly unpriced: number
}

/** Sums of exchanges by key. */
export class Groups {
  readonly #key: StatsKey
  readonly #places = new Map<string, number>()
  readonly #hours = new Map<number, number>()
  readonly #sums: Sums = []

  constructor(key: StatsKey) {
    this.#key = key
  }

  add(segment: Segment, indexes: Uint32Array): void {
    const adder = adderOf(segment)
    if (this.#key === 'finding') return this.#addByType(segment, indexes, adder)
    const placeOf = isSpan(this.#key) ? this.#placeByTime(segment, spans[this.#key]) : this.#placeByWord(segment)
    for (const index of indexes) {
      const place = placeOf(index)
      if (place >= 0) adder(this.#sums[place] as Float64Array, index)
    }
  }

  /** Times in order; others with most exchanges first. */
  all(): StatsGroup[] {
    const groups = [...this.#places].map(([name, place]) => groupOf(name, this.#sums[place] as Float64Array))
    const some = groups.filter(({ exchanges }) => exchanges > 0)
    const byName = (a: StatsGroup, b: StatsGroup): number => (a.name < b.name ? -1 : 1)
    return some.sort(isSpan(this.#key) ? byName : (a, b) => b.exchanges - a.exchanges || byName(a, b))
  }

  #addByType(segment: Segment, indexes: Uint32Array, adder: Adder): void {
    const { names, codes } = segment.words('findings')
    const places = names.map((list) => (list === null ? [] : typesIn(list).map((type) => this.#place(type))))
    for (const index of indexes) {
      for (const place of places[codes[index] as number] ?? []) adder(this.#sums[place] as Float64Array, index)
    }
  }

  #placeByWord(segment: Segment): (index: number) => number {
    const { names, codes } = segment.words(this.#key)
    const places = Int32Array.from(names, (name) => (name === null ? -1 : this.#place(name)))
    return (index) => places[codes[index] as number] as number
  }

  #placeByTime(segment: Segment, length: number): (index: number) => number {
    const at = segment.numbers('at')
    let [hour, place] = [Number.NaN, -1]
    return (index) => {
      const time = at[index] as number
      if (Math.floor(time / HOUR_MS) === hour) return place
      hour = Math.floor(time / HOUR_MS)
      place = this.#hours.get(hour) ?? this.#place(new Date(time).toISOString().slice(0, length))
      this.#hours.set(hour, place)
      return place
    }
  }

  #place(name: string): number {
    let place = this.#places.get(name)
    if (place === undefined) {
      place = this.#sums.push(new Float64Array(FIELDS)) - 1
      this.#places.set(name, place)
    }
    return place
  }
}

/** Of each group: exchanges, with findings, blocked, tokens in, tokens out, cost, those with a price, those without. */
type Sums = Float64Array[]
type Adder = (sums: Float64Array, index: number) => void

function adderOf(segment: Segment): Adder {
  const findings = segment.words('findings')
  const found = Uint8Array.from(findings.names, (types) => (types !== null && types !== '[]' ? 1 : 0))
  const decisions = segment.words('decision')
  const blocked = decisions.names.indexOf('block')
  const [input, cached, written, output, reasoning, cost] = numberColumns.map((name) =>
    segment.numbers(name),
  ) as Columns
  return (sums, index) => {
    const price = cost[index] as number
    sums[0]! += 1
    sums[1]! += found[findings.codes[index] as number] as number
    if (decisions.codes[index] === blocked) sums[2]! += 1
    sums[3]! += known(input[index]) + known(cached[index]) + known(written[index])
    sums[4]! += known(output[index]) + known(reasoning[index])
    if (!Number.isNaN(price)) {
      sums[5]! += price
      sums[6]! += 1
    } else if (!Number.isNaN(output[index])) sums[7]! += 1
  }
}

function groupOf(name: string, sums: Float64Array): StatsGroup {
  const [exchanges, with_findings, blocked, input_tokens, output_tokens, cost, priced, unpriced] =
    sums as unknown as number[]
  return {
    name,
    exchanges: exchanges ?? 0,
    with_findings: with_findings ?? 0,
    blocked: blocked ?? 0,
    input_tokens: input_tokens ?? 0,
    output_tokens: output_tokens ?? 0,
    cost_usd: priced === 0 ? null : (cost ?? null),
    unpriced: unpriced ?? 0,
  }
}

type Columns = [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array, Float64Array]

function typesIn(list: string): string[] {
  return [...new Set((JSON.parse(list) as unknown[]).filter((type) => typeof type === 'string'))]
}

const known = (value: number | undefined): number => (value === undefined || Number.isNaN(value) ? 0 : value)
const isSpan = (key: StatsKey): key is keyof typeof spans => key in spans

/** How much of an ISO 8601 time names it. */
const spans = { hour: 13, day: 10, month: 7 } as const
const HOUR_MS = 3_600_000
const FIELDS = 8
const numberColumns = [
  'input_tokens',
  'cached_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'cost_usd',
]

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
  readonly #groups = new Map<string, Writable>()
  readonly #hours = new Map<number, readonly Writable[]>()

  constructor(key: StatsKey) {
    this.#key = key
  }

  add(segment: Segment, indexes: Uint32Array): void {
    const groupsOf = this.#groupsOf(segment)
    const findings = segment.words('findings')
    const found = findings.names.map((types) => types !== null && types !== '[]')
    const decisions = segment.words('decision')
    const blocked = decisions.names.indexOf('block')
    const columns = numberColumns.map((name) => segment.numbers(name))
    const [input, cached, written, output, reasoning, cost] = columns as Columns
    for (const index of indexes) {
      for (const group of groupsOf(index)) {
        group.exchanges += 1
        if (found[findings.codes[index] as number]) group.with_findings += 1
        if (decisions.codes[index] === blocked) group.blocked += 1
        group.input_tokens += known(input[index]) + known(cached[index]) + known(written[index])
        group.output_tokens += known(output[index]) + known(reasoning[index])
        if (!Number.isNaN(cost[index])) group.cost_usd = (group.cost_usd ?? 0) + (cost[index] as number)
        else if (!Number.isNaN(output[index])) group.unpriced += 1
      }
    }
  }

  /** Times in order; others with most exchanges first. */
  all(): StatsGroup[] {
    const groups = [...this.#groups.values()].filter(({ exchanges }) => exchanges > 0)
    const byName = (a: StatsGroup, b: StatsGroup): number => (a.name < b.name ? -1 : 1)
    return this.#key in spans ? groups.sort(byName) : groups.sort((a, b) => b.exchanges - a.exchanges || byName(a, b))
  }

  #groupsOf(segment: Segment): (index: number) => readonly Writable[] {
    const key = this.#key
    if (isSpan(key)) {
      const at = segment.numbers('at')
      return (index) => this.#hour(at[index] as number, spans[key])
    }
    const { names, codes } = segment.words(key === 'finding' ? 'findings' : key)
    const groups = names.map((name) => {
      if (name === null) return []
      return (key === 'finding' ? typesIn(name) : [name]).map((one) => this.#group(one))
    })
    return (index) => groups[codes[index] as number] ?? []
  }

  #hour(at: number, length: number): readonly Writable[] {
    const hour = Math.floor(at / HOUR_MS)
    let group = this.#hours.get(hour)
    if (group === undefined) {
      group = [this.#group(new Date(at).toISOString().slice(0, length))]
      this.#hours.set(hour, group)
    }
    return group
  }

  #group(name: string): Writable {
    let group = this.#groups.get(name)
    if (group === undefined) {
      group = { name, ...nothing }
      this.#groups.set(name, group)
    }
    return group
  }
}

type Writable = { -readonly [K in keyof StatsGroup]: StatsGroup[K] }
type Columns = [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array, Float64Array]

function typesIn(list: string): string[] {
  return [...new Set((JSON.parse(list) as unknown[]).filter((type) => typeof type === 'string'))]
}

const known = (value: number | undefined): number => (value === undefined || Number.isNaN(value) ? 0 : value)
const isSpan = (key: StatsKey): key is keyof typeof spans => key in spans

/** How much of an ISO 8601 time names it. */
const spans = { hour: 13, day: 10, month: 7 } as const
const HOUR_MS = 3_600_000
const nothing = {
  exchanges: 0,
  with_findings: 0,
  blocked: 0,
  input_tokens: 0,
  output_tokens: 0,
  cost_usd: null,
  unpriced: 0,
}
const numberColumns = [
  'input_tokens',
  'cached_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'cost_usd',
]

/** What was counted since the process began. */
export type Counts = {
  /** Exchanges that went on without a row before them. */
  readonly forwarded: number
  /** Requests that were turned away because of the ledger. */
  readonly turnedAway: number
  /** Rows that were not taken, or that the database would not take. */
  readonly givenUp: number
}

/** A time in which the ledger did not take every row at once; times in milliseconds since 1970. */
export type Gap = { readonly from: number; readonly to: number; readonly reason: string | null; readonly cost: Counts }

export type GapBook = {
  /** The ledger cannot be written. */
  readonly began: (reason: string) => void
  /** Something was counted. */
  readonly counted: () => void
  /** It can be written, and what was counted can be told; undefined when there is nothing to tell. */
  readonly over: () => Gap | undefined
}

/** Keeps what outages cost until it can be told. A short one that cost nothing is not worth it. */
export function gapBook(counts: () => Counts, now: () => number): GapBook {
  let told: Counts = zero
  let open: { readonly from: number; reason: string | null } | undefined
  const since = (): Counts => {
    const all = counts()
    const forwarded = all.forwarded - told.forwarded
    // Who went on nevertheless was turned away first.
    const turnedAway = Math.max(0, all.turnedAway - told.turnedAway - forwarded)
    return { forwarded, turnedAway, givenUp: all.givenUp - told.givenUp }
  }
  return {
    began(reason) {
      open ??= { from: now(), reason }
      open.reason ??= reason
    },
    counted() {
      open ??= { from: now(), reason: null }
    },
    over() {
      if (open === undefined) return undefined
      const gap = { ...open, to: now(), cost: since() }
      open = undefined
      told = counts()
      const cost = gap.cost.forwarded + gap.cost.turnedAway + gap.cost.givenUp
      return cost > 0 || gap.to - gap.from >= WORTH_TELLING_MS ? gap : undefined
    },
  }
}

const zero: Counts = { forwarded: 0, turnedAway: 0, givenUp: 0 }
const WORTH_TELLING_MS = 1_000

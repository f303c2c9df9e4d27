/** What is wrong. `truncated`: a checkpoint tells of more than there is. */
export type Wrong =
  | 'altered'
  | 'removed'
  | 'inserted'
  | 'reordered'
  | 'truncated'
  | 'file altered'
  | 'file missing'
  | 'chain altered'
  | 'checkpoint altered'
  | 'checkpoint signature'
  | 'damaged'

/** One thing that does not fit. `block` is where in the chain; `seq` is the number of a row, or of a checkpoint. */
export type Fault = {
  readonly what: Wrong
  readonly table: 'exchanges' | 'connections' | 'events' | 'chain' | 'checkpoints' | 'database'
  readonly id: string | null
  readonly seq: number | null
  readonly block: number | null
  /** When the block was written. */
  readonly at: string | null
  readonly detail: string
}

/** A fault with what is known of the digests: of the row that is there, and of the one that should be. */
export type Found = Fault & {
  readonly index: number
  readonly is?: string | undefined
  readonly should?: string | undefined
}

export type FaultList = {
  readonly add: (fault: Found) => void
  readonly count: () => number
  /** In the order of the chain, the first ones only. */
  readonly first: () => Fault[]
}

/** Counts all faults and keeps the first `most` in the order of the chain. */
export function faultList(most: number): FaultList {
  let kept: Found[] = []
  let count = 0

  function cut(): void {
    kept.sort((a, b) => (a.block ?? Infinity) - (b.block ?? Infinity) || a.index - b.index)
    kept = kept.slice(0, most)
  }

  return {
    add(fault) {
      count += 1
      kept.push(fault)
      if (kept.length > 2 * most + 64) cut()
    },
    count: () => count,
    first() {
      cut()
      return moved(kept)
    },
  }
}

// A row that stands where another one should, and is itself missed elsewhere, was not altered but moved.
function moved(faults: readonly Found[]): Fault[] {
  const missed = new Map(faults.flatMap((fault) => (fault.should === undefined ? [] : [[fault.should, fault]])))
  const there = new Map(faults.flatMap((fault) => (fault.is === undefined ? [] : [[fault.is, fault]])))
  return faults.map(({ is, should, what, table, id, seq, block, at, detail }) => {
    const fault: Fault = { what, table, id, seq, block, at, detail }
    const from = is === undefined ? undefined : missed.get(is)
    const to = should === undefined ? undefined : there.get(should)
    if (from !== undefined && from.seq !== fault.seq)
      return { ...fault, what: 'reordered', detail: `the row that stands here was written as seq ${from.seq}` }
    if (to !== undefined && to.seq !== fault.seq)
      return { ...fault, what: 'reordered', id: fault.id ?? to.id, detail: `this row stands at seq ${to.seq} now` }
    return fault
  })
}

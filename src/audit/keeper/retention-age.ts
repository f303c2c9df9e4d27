import type { Store } from '../../store/open.ts'

/** A block of the chain: when it says that it was written (ISO 8601). */
export type DatedBlock = { readonly n: number; readonly at: string }

export type AgeLimit = {
  /** All in milliseconds since 1970: what was written before this is old. */
  readonly before: number
  readonly now: number
  /** When the last block that is gone was written. */
  readonly after?: number | undefined
}

/**
 * The last of the blocks, from the front, up to which all are old; undefined when the first is not. Blocks are in the order of their commit, which no
 * clock changes: one whose time cannot be true (later than now, earlier than one before it, or than this program) is as old as those after it.
 */
export function agedThrough(blocks: Iterable<DatedBlock>, limit: AgeLimit): number | undefined {
  let seen = Math.max(EARLIEST, (limit.after ?? -Infinity) - TOLERANCE_MS)
  let through: number | undefined
  for (const { n, at } of blocks) {
    const time = Date.parse(at)
    if (!(time >= seen && time <= limit.now + TOLERANCE_MS)) continue
    if (time >= limit.before) break
    through = n
    seen = Math.max(seen, time - TOLERANCE_MS)
  }
  return through
}

export function datedBlocks(db: Store): Iterable<DatedBlock> {
  return db.prepare<[], DatedBlock>('SELECT n, at FROM chain ORDER BY n').iterate()
}

/** What is remembered of the clock between two looks at it, in milliseconds since 1970. */
export type ClockMark = { readonly seen: number; readonly doubtUntil: number | null }

/**
 * Looks at the clock. One that has gone ahead by more than `doubtMs` since the last look may be wrong, and young rows must not be removed for it:
 * it is doubted for a day, and believed when it still says so.
 */
export function lookAtClock(mark: ClockMark | undefined, now: number, doubtMs: number): ClockMark {
  if (mark === undefined || now < mark.seen - TOLERANCE_MS) return { seen: now, doubtUntil: null }
  if (mark.doubtUntil !== null && now < mark.doubtUntil) return { seen: now, doubtUntil: mark.doubtUntil }
  if (mark.doubtUntil === null && now - mark.seen > doubtMs) return { seen: now, doubtUntil: now + DAY_MS }
  return { seen: now, doubtUntil: null }
}

const TOLERANCE_MS = 3_600_000
const DAY_MS = 86_400_000
/** No ledger is older. */
const EARLIEST = Date.UTC(2025, 0, 1)

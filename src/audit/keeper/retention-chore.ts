import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomic } from '../../lib/atomic-file.ts'
import type { Chore, ChoreContext } from './chores.ts'
import { purge, type Purged, type PurgeOptions, sinkBlocks } from './purge.ts'
import { chainRange } from './retention.ts'
import { agedThrough, type ClockMark, datedBlocks, lookAtClock } from './retention-age.ts'
import { removedSoFar } from '../checkpoints/checkpoints.ts'
import { shrink } from './shrink.ts'
import { bodySizes, databaseSize } from './sizes.ts'

/**
 * Removes what is older than `retention.days`, and the oldest when the ledger takes more than `retention.maxBytes`; then makes the file of
 * the database smaller. What a sink has not had waits for it until the size demands its removal.
 */
export function retentionChore(context: ChoreContext): Chore {
  const { settings, db, now, notice, figure, count } = context
  const { dir, retention } = settings
  const bodies = bodySizes(dir)
  const clock = clockIn(dir)
  const sinks = settings.sinks.map(({ name }) => name)
  let told = false

  async function run(signal: AbortSignal): Promise<void> {
    await byAge(signal)
    const held = await bodies(signal)
    if (signal.aborted) return
    sizes(held)
    sizes(held - (await bySize(held, signal)))
    const able = await shrink(db, SLACK, signal)
    if (!able && !told)
      notice('info', 'the database cannot become smaller: `sallyport audit purge --compact` makes it able to', {})
    told ||= !able
  }

  async function byAge(signal: AbortSignal): Promise<void> {
    const time = now()
    const doubted = await clock(time, (retention.days * DAY_MS) / 3)
    if (doubted !== null) {
      notice('warn', 'the clock went far ahead: nothing is removed for its age yet', { until: iso(doubted) })
      return
    }
    const to = removedSoFar(db)?.to
    const after = typeof to === 'string' ? Date.parse(to) : undefined
    const aged = agedThrough(datedBlocks(db), { before: time - retention.days * DAY_MS, now: time, after })
    if (aged === undefined) return
    const through = Math.min(aged, ...[...sinkBlocks(db, sinks).values()].map((block) => block - 1))
    await remove({ reason: 'age', through }, signal)
  }

  /** Answers how many bytes of files went. */
  async function bySize(held: number, signal: AbortSignal): Promise<number> {
    if (databaseSize(db).rows + held <= retention.maxBytes) return 0
    const aim = retention.maxBytes * AIM
    const enough = (bytes: number): boolean => databaseSize(db).rows + held - bytes <= aim
    return remove({ reason: 'size', through: chainRange(db).last - 1, enough }, signal)
  }

  async function remove(
    what: Pick<PurgeOptions, 'reason' | 'through' | 'enough'>,
    signal: AbortSignal,
  ): Promise<number> {
    const purged = await purge(db, { ...what, dir, now, who: 'sallyport', sinks }, signal)
    tell(what.reason, purged)
    return purged.bytes
  }

  function tell(reason: string, { gaps, ...purged }: Purged): void {
    if (purged.blocks === 0) return
    notice('info', 'old rows of the ledger were removed', { reason, ...purged })
    for (const table of ['exchanges', 'connections', 'events'] as const)
      count('ledger_removed_rows_total', purged[table], { table })
    for (const [sink, rows] of Object.entries(gaps)) {
      count('export_gap_rows_total', rows, { sink })
      notice('error', 'rows were removed before a sink had them', { sink, rows })
    }
  }

  function sizes(held: number): void {
    const { rows, free } = databaseSize(db)
    for (const [part, bytes] of Object.entries({ rows, free, bodies: held })) figure('ledger_bytes', bytes, { part })
  }

  return { name: 'retention', everyMs: EVERY_MS, run }
}

/** Until when a clock is doubted, or null; what is remembered of it lies in a file, for programs that never run for long. */
function clockIn(dir: string): (now: number, doubtMs: number) => Promise<number | null> {
  const path = join(dir, 'retention.json')
  let mark = markIn(path)
  let written = mark?.seen ?? -Infinity
  return async (now, doubtMs) => {
    const before = mark
    mark = lookAtClock(before, now, doubtMs)
    if (mark.doubtUntil !== (before?.doubtUntil ?? null) || Math.abs(now - written) > WRITE_MS) {
      written = now
      await writeFileAtomic(path, `${JSON.stringify(mark)}\n`, 0o600)
    }
    return mark.doubtUntil
  }
}

function markIn(path: string): ClockMark | undefined {
  try {
    const { seen, doubtUntil } = JSON.parse(readFileSync(path, 'utf8')) as Partial<ClockMark>
    if (typeof seen === 'number') return { seen, doubtUntil: typeof doubtUntil === 'number' ? doubtUntil : null }
  } catch {
    // None yet, or not whole: the clock is believed.
  }
  return undefined
}

const iso = (time: number): string => new Date(time).toISOString()

const EVERY_MS = 60_000
const DAY_MS = 86_400_000
const WRITE_MS = 600_000
/** Removed is a little more than has to be, so that it is not done each minute. */
const AIM = 0.95
/** Of the pages of the database, how many may be free. */
const SLACK = 0.05

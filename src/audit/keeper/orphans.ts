import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { nextTurn } from '../../lib/async.ts'
import type { Store } from '../../store/open.ts'
import { deadOwners } from '../../store/owners.ts'
import { bodyFileOf, bodyFilesIn, bodyFolders, removeBodyFile, removeEmptyFolders } from '../bodies/body-files.ts'

export type Orphans = {
  /** Files that no row names and that nobody will name any more: they were removed. */
  readonly removed: number
  readonly bytes: number
  /** Files that rows name and that are not there: id and side, the first so many of all. */
  readonly missing: readonly string[]
  readonly missingCount: number
}

/**
 * Looks for body files without a row, and for rows whose file is gone. A file stands there before its row does: one is removed only when its
 * row has ended without it, or when it is older than all processes that live, or than a day; never in its first ten minutes.
 */
export async function sweepOrphans(
  place: { db: Store; dir: string; now: number },
  signal: AbortSignal,
): Promise<Orphans> {
  const { removed, bytes } = await sweepFiles(place, signal)
  const { missing, missingCount } = await rowsWithoutFile(place, signal)
  return { removed, bytes, missing, missingCount }
}

type Place = { readonly db: Store; readonly dir: string; readonly now: number }

async function sweepFiles({ db, dir, now }: Place, signal: AbortSignal): Promise<{ removed: number; bytes: number }> {
  const isOrphan = orphanTest(db, dir, now)
  let removed = 0
  let bytes = 0
  for (const folder of bodyFolders(dir)) {
    for (const [i, name] of bodyFilesIn(dir, folder).entries()) {
      if (i % FILES_IN_TURN === FILES_IN_TURN - 1) await nextTurn()
      if (signal.aborted) return { removed, bytes }
      if (!isOrphan(folder, name)) continue
      bytes += removeBodyFile(dir, `${folder}/${name}`)
      removed += 1
    }
    removeEmptyFolders(dir, folder, now)
  }
  return { removed, bytes }
}

type Named = {
  readonly state: string
  readonly owner: number | null
  readonly request_spill: string | null
  readonly response_spill: string | null
}

function orphanTest(db: Store, dir: string, now: number): (folder: string, name: string) => boolean {
  const rowOf = db.prepare<[string], Named>(
    'SELECT state, owner, request_spill, response_spill FROM exchanges WHERE id = ?',
  )
  const dead = new Set(deadOwners(db, dir))
  const living = db
    .prepare<[], { id: number; started: string }>('SELECT id, started FROM processes')
    .all()
    .filter(({ id }) => !dead.has(id))
  const eldest = Math.min(now, ...living.map(({ started }) => Date.parse(started))) - MARGIN_MS
  const owned = new Set(living.map(({ id }) => id))

  return (folder, name) => {
    const file = bodyFileOf(name)
    const written = statSync(join(dir, folder, name), { throwIfNoEntry: false })?.mtimeMs
    if (file === undefined || written === undefined || written > now - YOUNG_MS) return false
    const row = rowOf.get(file.id)
    if (row !== undefined && row[`${file.side}_spill`] === `${folder}/${name}`) return false
    if (row?.state === 'open') return row.owner === null || !owned.has(row.owner)
    return row !== undefined || written < eldest || written < now - DAY_MS
  }
}

async function rowsWithoutFile({ db, dir }: Place, signal: AbortSignal) {
  const next = db.prepare<[number], Named & { seq: number; id: string }>(
    `SELECT seq, id, state, owner, request_spill, response_spill FROM exchanges WHERE seq > ? ORDER BY seq LIMIT ${ROWS_IN_TURN}`,
  )
  const missing: string[] = []
  let missingCount = 0
  for (let rows = next.all(0); rows.length > 0 && !signal.aborted; rows = next.all(rows.at(-1)?.seq ?? 0)) {
    for (const row of rows) {
      for (const side of ['request', 'response'] as const) {
        const name = row[`${side}_spill`]
        if (name === null || existsSync(join(dir, name)) || !stillNamed(db, row.seq, side, name)) continue
        missingCount += 1
        if (missing.length < TOLD) missing.push(`${row.id}.${side}`)
      }
    }
    await nextTurn()
  }
  return { missing, missingCount }
}

// Retention may have taken row and file since the row was read.
function stillNamed(db: Store, seq: number, side: 'request' | 'response', name: string): boolean {
  return db.prepare(`SELECT 1 FROM exchanges WHERE seq = ? AND ${side}_spill = ?`).get(seq, name) !== undefined
}

const FILES_IN_TURN = 256
const ROWS_IN_TURN = 500
const TOLD = 20
const YOUNG_MS = 600_000
/** Clocks of file systems and of processes may differ. */
const MARGIN_MS = 60_000
const DAY_MS = 86_400_000

import { statSync } from 'node:fs'
import { join } from 'node:path'
import { nextTurn } from '../../lib/async.ts'
import type { Store } from '../../store/open.ts'
import { bodyFilesIn, bodyFolders, bytesOfFile } from '../bodies/body-files.ts'

/** What a ledger takes, in bytes. */
export type LedgerSize = {
  /** Of the database, what is in use. */
  readonly rows: number
  /** Of the database, pages that are free: new rows go there, or the file shrinks. */
  readonly free: number
  readonly bodies: number
}

/** Of the database alone. */
export function databaseSize(db: Store): Omit<LedgerSize, 'bodies'> {
  const [pages = 0, free = 0, size = 0] = ['page_count', 'freelist_count', 'page_size'].map((name) =>
    Number(db.pragma(name, { simple: true })),
  )
  return { rows: (pages - free) * size, free: free * size }
}

/**
 * Adds up the body files of a data folder. Folders in which nothing was added or removed since the last time are not read again; of
 * files that are still being written the size at that time counts.
 */
export function bodySizes(dir: string): (signal: AbortSignal) => Promise<number> {
  const known = new Map<string, { readonly changed: bigint; readonly bytes: number }>()

  async function bytesIn(folder: string, signal: AbortSignal): Promise<number> {
    const changed = statSync(join(dir, folder), { bigint: true, throwIfNoEntry: false })?.mtimeNs
    const before = known.get(folder)
    if (changed === undefined) return 0
    if (before?.changed === changed) return before.bytes
    let bytes = 0
    for (const [i, name] of bodyFilesIn(dir, folder).entries()) {
      if (i % FILES_IN_TURN === FILES_IN_TURN - 1) await nextTurn()
      if (signal.aborted) break
      bytes += bytesOfFile(join(dir, folder, name))
    }
    // In the same tick of the clock more may come without a trace.
    const settled = BigInt(Date.now()) * 1_000_000n - changed > SETTLED_NS
    if (settled && !signal.aborted) known.set(folder, { changed, bytes })
    return bytes
  }

  return async (signal) => {
    const folders = bodyFolders(dir)
    for (const folder of known.keys()) if (!folders.includes(folder)) known.delete(folder)
    let bytes = 0
    for (const folder of folders) {
      if (signal.aborted) break
      bytes += await bytesIn(folder, signal)
    }
    return bytes
  }
}

const FILES_IN_TURN = 256
const SETTLED_NS = 2_000_000_000n

import { rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import Database from 'better-sqlite3'
import { contentReader, type ContentRow } from '../bodies/read-content.ts'
import type { SealKey, Side } from '../bodies/seal.ts'
import { Unreadable } from '../bodies/spill-stream.ts'
import type { BundleContent } from '../verify/bundle.ts'
import { isGone } from '../verify/ledger.ts'

export type BundleContentOptions = {
  readonly database: string
  /** The data folder. */
  readonly dir: string
  /** The bundle. */
  readonly to: string
  readonly bodies: boolean
  readonly keys: readonly SealKey[]
}

/** Puts the bodies of a row into a bundle: texts of the row into its line, all others, as they were, into files. */
export function bundleContent(options: BundleContentOptions) {
  const reader = contentReader(options)

  async function one(row: ContentRow, side: Side): Promise<BundleContent | undefined> {
    const [text, spill] = [row[`${side}_body`], row[`${side}_spill`]]
    if (typeof text !== 'string' && typeof spill !== 'string') return undefined
    if (!options.bodies) return { not: 'skipped' }
    // As it stands, altered or not: its SHA-256 will tell.
    if (typeof text === 'string' && typeof spill !== 'string' && row['body_key'] === null) return { text }
    const file = `bodies/${String(row['id'])}.${side}`
    const path = join(options.to, file)
    try {
      // Opened first: a stream that is given up while it opens its file makes the file after its removal.
      const to = await open(path, 'wx', 0o600)
      await pipeline(reader.pieces(row, side), to.createWriteStream())
      return { file }
    } catch (cause) {
      if (!(cause instanceof Unreadable)) throw cause
      rmSync(path, { force: true })
      // Retention or erasure may have taken the file since the row was read.
      if (cause.why !== 'no-key' && changedSince(options.database, row)) return { not: 'skipped' }
      return { not: ({ missing: 'missing', 'no-key': 'sealed' } as const)[String(cause.why)] ?? 'altered' }
    }
  }

  return async (row: ContentRow): Promise<Partial<Record<Side, BundleContent>>> => {
    const [request, response] = [await one(row, 'request'), await one(row, 'response')]
    return { ...(request && { request }), ...(response && { response }) }
  }
}

function changedSince(database: string, row: ContentRow): boolean {
  const db = new Database(database, { readonly: true })
  try {
    return isGone(db, { seq: Number(row['seq']), block: Number(row['block']) })
  } finally {
    db.close()
  }
}

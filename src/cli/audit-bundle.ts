import { resolve } from 'node:path'
import { bodyKeys } from '../app/body-keys.ts'
import { writeBundle } from '../audit/bundle/bundle.ts'
import { makeCheckpoint } from '../audit/checkpoints/checkpoints.ts'
import { databasePath, openStore, openStoreForReading } from '../store/open.ts'
import { type Place, recordExport } from './audit-export-place.ts'
import { timeOf } from './flags.ts'
import { printJson, printLines } from './output.ts'

export type BundleFlags = {
  readonly bundle: string
  readonly since?: string
  readonly until?: string
  /** False: without content. */
  readonly bodies?: boolean
}

/** `audit export --bundle DIR`: what an auditor needs, with a verifier. */
export async function exportBundle(place: Place, flags: BundleFlags): Promise<number> {
  const { config, io } = place
  const { dir } = config.data
  const to = resolve(io.cwd, flags.bundle)
  const warn = (message: string): void => void io.stderr.write(`note: ${message}\n`)
  const bodies = flags.bodies !== false
  const [since, until] = [timeOf('since', flags.since), timeOf('until', flags.until)]
  const keys = bodyKeys(config, warn, io.env)
  sign(place)
  const counts = await writeBundle({
    database: databasePath(dir),
    dir,
    to,
    since,
    until,
    bodies,
    keys,
    now: Date.now(),
  })
  recordExport(place, 'bundle', { ...counts, since: since ?? null, until: until ?? null, content: bodies })
  if (place.json) await printJson(io, { dir: to, ...counts })
  else {
    await printLines(io, [
      `${to}: ${counts.rows} rows, ${counts.bodies} bodies, ${counts.blocks} blocks, ${counts.checkpoints} checkpoints`,
      `verify it with: node ${to}/verify.mjs --public-key FILE`,
    ])
  }
  return 0
}

/** So that the bundle is signed to its end; a copy that is read only has no place for a signature. */
function sign({ config, io }: Place): void {
  const { dir } = config.data
  try {
    openStoreForReading({ dir }).close()
    const db = openStore({ dir, durability: config.audit.durability })
    try {
      makeCheckpoint(db, { dir, reason: 'demand', onlyNew: true, now: Date.now() })
    } finally {
      db.close()
    }
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : 'unknown'
    io.stderr.write(`note: the end of the ledger could not be signed: ${reason}\n`)
  }
}

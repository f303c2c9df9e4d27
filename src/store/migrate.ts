import type Database from 'better-sqlite3'
import { SallyportError } from '../core/errors.ts'
import { migrations } from './migrations/index.ts'
import type { Migration } from './migrations/migration.ts'

/**
 * Runs the migrations that a database has not had, in order, all or none. Safe when several processes do it at once: the write
 * lock is taken before the version is read. A database of a newer program is refused.
 */
export function migrate(db: Database.Database, steps: readonly Migration[] = migrations): void {
  const newest = steps.at(-1)?.version ?? 0
  if (versionOf(db) === newest) return
  const run = db.transaction(() => {
    const from = versionOf(db)
    if (from > newest) {
      throw new SallyportError('ledger_corrupt', `the ledger has schema ${from}; this program knows up to ${newest}`, {
        hint: 'A newer Sallyport wrote it: use that one, or another `data.dir`.',
      })
    }
    for (const step of steps) {
      if (step.version <= from) continue
      db.exec(step.sql)
      step.run?.(db)
    }
    db.pragma(`user_version = ${newest}`)
  })
  run.immediate()
}

function versionOf(db: Database.Database): number {
  return Number(db.pragma('user_version', { simple: true }))
}

import type Database from 'better-sqlite3'
import { SallyportError } from '../core/errors.ts'
import { migrations } from './migrations/index.ts'
import type { Migration } from './migrations/migration.ts'

/**
 * Runs the migrations that a database has not had, in order, all or none. Safe when several processes do it at once: the write
 * lock is taken before the version is read, and waited for as long as another one may need. `allowed` runs under the lock, before a
 * database that has rows is changed; it throws when that must not be. A database of a newer program is refused.
 */
export function migrate(
  db: Database.Database,
  steps: readonly Migration[] = migrations,
  allowed: () => void = () => {},
): void {
  const newest = newestOf(steps)
  const found = versionOf(db)
  if (found === newest) return
  const run = db.transaction(() => {
    const from = versionOf(db)
    if (from > newest) throw newer(from, newest)
    if (from > 0 && from < newest) allowed()
    for (const step of steps) {
      if (step.version <= from) continue
      db.exec(step.sql)
      step.run?.(db)
    }
    db.pragma(`user_version = ${newest}`)
  })
  const patience = Number(db.pragma('busy_timeout', { simple: true }))
  if (found > 0 && found < newest) db.pragma(`busy_timeout = ${OTHERS_MS}`)
  try {
    run.immediate()
  } finally {
    db.pragma(`busy_timeout = ${patience}`)
  }
}

/** Whether a database has rows of an earlier program, and `migrate` would change it. */
export function isOutdated(db: Database.Database): boolean {
  const version = versionOf(db)
  return version > 0 && version < newestOf(migrations)
}

/** For those who only read: throws for a database of another version. */
export function requireCurrent(db: Database.Database): void {
  const [version, newest] = [versionOf(db), newestOf(migrations)]
  if (version > newest) throw newer(version, newest)
  if (version === newest) return
  throw new SallyportError('ledger_unavailable', `the ledger ${db.name} is of an earlier version of Sallyport`, {
    hint: '`sallyport serve` brings it up to date when it starts.',
  })
}

const newer = (version: number, newest: number): SallyportError =>
  new SallyportError('ledger_corrupt', `the ledger has schema ${version}; this program knows up to ${newest}`, {
    hint: 'A newer Sallyport wrote it: use that one, or another `data.dir`.',
  })

const newestOf = (steps: readonly Migration[]): number => steps.at(-1)?.version ?? 0

function versionOf(db: Database.Database): number {
  return Number(db.pragma('user_version', { simple: true }))
}

// A gigabyte takes some ten seconds.
const OTHERS_MS = 600_000

import Database from 'better-sqlite3'
import type { Store } from './open.ts'

/**
 * Runs it in a transaction that has the write lock (BEGIN IMMEDIATE); for work that is over in a few milliseconds, beside writers that never
 * rest. SQLite's own waiting sleeps up to 100 ms between two tries, in which each of them comes first; blocks for 5 s at most, then throws
 * SQLITE_BUSY.
 */
export function writeBriefly<T>(db: Store, run: () => T): T {
  begin(db)
  try {
    const outcome = run()
    db.exec('COMMIT')
    return outcome
  } catch (thrown) {
    if (db.inTransaction) db.exec('ROLLBACK')
    throw thrown
  }
}

function begin(db: Store): void {
  const patience = Number(db.pragma('busy_timeout', { simple: true }))
  const deadline = performance.now() + PATIENCE_MS
  db.pragma('busy_timeout = 0')
  try {
    for (let pause = 0.05; ; pause = Math.min(pause * 1.5, 5)) {
      try {
        db.exec('BEGIN IMMEDIATE')
        return
      } catch (thrown) {
        const busy = thrown instanceof Database.SqliteError && thrown.code.startsWith('SQLITE_BUSY')
        if (!busy || performance.now() > deadline) throw thrown
        Atomics.wait(sleeper, 0, 0, pause)
      }
    }
  } finally {
    db.pragma(`busy_timeout = ${patience}`)
  }
}

const PATIENCE_MS = 5_000
const sleeper = new Int32Array(new SharedArrayBuffer(4))

import Database from 'better-sqlite3'
import { databasePath } from '../store/open.ts'

/** Writes down when keys were last used, or devices last seen, some seconds later and many at once. It never waits for the database: the latest use counts, whenever it gets there. */
export function lastUses(options: {
  readonly dir: string
  readonly of?: keyof typeof updates
  readonly everyMs?: number
}): {
  readonly note: (id: string, at: string) => void
  readonly close: () => void
} {
  const update = updates[options.of ?? 'keys']
  const uses = new Map<string, string>()
  let timer: NodeJS.Timeout | undefined
  const later = (ms: number): void => {
    timer ??= setTimeout(flush, ms).unref()
  }
  const flush = (): void => {
    timer = undefined
    const some = [...uses].slice(0, BATCH)
    const written = write(options.dir, update, some)
    // A use that was noted meanwhile cannot be: all of this is one turn.
    if (written) for (const [id] of some) uses.delete(id)
    if (uses.size > 0) later(written ? 0 : RETRY_MS)
  }
  return {
    note(id, at) {
      if (uses.size >= MAX_NOTED && !uses.has(id)) return
      uses.set(id, at)
      later(options.everyMs ?? EVERY_MS)
    },
    close() {
      clearTimeout(timer)
      write(options.dir, update, [...uses])
      uses.clear()
    },
  }
}

function write(dir: string, sql: string, uses: readonly (readonly [id: string, at: string])[]): boolean {
  if (uses.length === 0) return true
  let db: Database.Database | undefined
  try {
    db = new Database(databasePath(dir), { timeout: 0, fileMustExist: true })
    db.pragma('synchronous = NORMAL')
    const update = db.prepare(sql)
    db.transaction(() => {
      for (const [id, at] of uses) update.run(at, id)
    }).immediate()
    return true
  } catch {
    // Locked or full: a later try may do better, and nothing that matters is lost.
    return false
  } finally {
    db?.close()
  }
}

const updates = {
  keys: `UPDATE keys SET last_used = max(coalesce(last_used, ''), ?) WHERE id = ?`,
  devices: `UPDATE devices SET last_seen = max(coalesce(last_seen, ''), ?) WHERE id = ?`,
} as const
const EVERY_MS = 5_000
const RETRY_MS = 250
const BATCH = 500
const MAX_NOTED = 10_000

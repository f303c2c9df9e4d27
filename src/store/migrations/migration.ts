import type Database from 'better-sqlite3'

/** One step of the schema. A step that has been released is never changed: a new one follows it. */
export type Migration = {
  /** Its place in the order: 1, 2, 3, …; kept in `user_version`. */
  readonly version: number
  readonly sql: string
  /** What SQL alone cannot say; after `sql`, in the same transaction. */
  readonly run?: (db: Database.Database) => void
}

import type { EventKind } from './event-kinds.ts'
import { chainOf, digestOf, entryKinds, type OpenBlock } from './chain.ts'
import { databasePath, type Durability, openStore, orStoreError, type Store } from './open.ts'

/** An act of an operator or of the program: `before` and `after` as JSON text without secrets. */
export type EventRow = {
  readonly id: string
  readonly at: string
  readonly who: string
  readonly what: EventKind
  readonly subject?: string | null
  readonly before: string | null
  readonly after: string | null
}

/** Adds an event, with its block of the chain, inside a transaction that has the write lock. */
export function insertEvent(db: Store, event: EventRow): void {
  chainOf(db).write(event.at, (block) => addEvent(db, block, event))
}

/** Adds an event to a block that is being written. */
export function addEvent(db: Store, block: OpenBlock, event: EventRow): void {
  const { id, at, who, what, subject = null, before, after } = event
  const values = [id, at, who, what, subject, before, after].map((text) => text?.toWellFormed() ?? null)
  const sql = `INSERT INTO events (id, at, who, what, subject, "before", "after", block) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
  const { lastInsertRowid } = db.prepare(sql).run(...values, block.n)
  block.add(entryKinds.event, Number(lastInsertRowid), digestOf('events', values))
}

/** Adds an event to the ledger of a data folder, for those who have no recorder. Throws as `openStore` does. */
export function recordEvent(place: { readonly dir: string; readonly durability: Durability }, event: EventRow): void {
  orStoreError(databasePath(place.dir), () => {
    const db = openStore(place)
    try {
      db.transaction(() => insertEvent(db, event)).immediate()
    } finally {
      db.close()
    }
  })
}

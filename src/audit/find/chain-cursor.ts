import type { Store } from '../../store/open.ts'
import { ledgerName } from '../checkpoints/checkpoints.ts'

/** How far something derived follows the chain: all up to `block`, whose link it was. `ledger` is its name. */
export type Cursor = { readonly ledger: Uint8Array; readonly block: number; readonly link: Uint8Array }

/** Where the derived file is; undefined when it follows another ledger, or one that went another way since. */
export function cursorOf(derived: Store, ledger: Store): Cursor | undefined {
  const cursor = derived.prepare<[], Cursor>('SELECT ledger, block, link FROM cursor').get()
  if (cursor === undefined || !sameBytes(cursor.ledger, ledgerOf(ledger))) return undefined
  const link = ledger.prepare<[number], Uint8Array>('SELECT link FROM chain WHERE n = ?').pluck().get(cursor.block)
  if (link !== undefined) return sameBytes(link, cursor.link) ? cursor : undefined
  // Retention has gone past it; or the ledger lost its end with the power.
  const later = ledger.prepare<[number], number>('SELECT 1 FROM chain WHERE n > ? LIMIT 1').pluck().get(cursor.block)
  return later === undefined ? undefined : cursor
}

/** The beginning, from which everything is followed. */
export function startOf(ledger: Store): Cursor {
  const name = ledgerOf(ledger)
  return { ledger: name, block: 0, link: name }
}

export function setCursor(derived: Store, { ledger, block, link }: Cursor): void {
  derived
    .prepare('INSERT OR REPLACE INTO cursor (one, ledger, block, link) VALUES (1, ?, ?, ?)')
    .run(ledger, block, link)
}

const ledgerOf = (ledger: Store): Uint8Array => Buffer.from(ledgerName(ledger), 'hex')

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/** The table that a derived file has for it. */
export const cursorSql = `CREATE TABLE cursor (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  ledger BLOB NOT NULL,
  block INTEGER NOT NULL,
  link BLOB NOT NULL
) STRICT`

import assert from 'node:assert/strict'
import type Database from 'better-sqlite3'
import { chainColumnsSql, digestOf, entriesOf, linkOf, tableOfKind } from '../../src/store/chain.ts'
import type { Block, ChainValue } from '../../src/store/chain.ts'

/** The tables of a chain, for a database that is not a whole ledger. */
export const chainSql = `CREATE TABLE chain (n INTEGER PRIMARY KEY, at TEXT NOT NULL, entries BLOB NOT NULL, link BLOB NOT NULL) STRICT;
  INSERT INTO chain (n, at, entries, link) VALUES (0, '', x'', zeroblob(32));`

/** The entries of all blocks in order; throws where a link does not fit. */
export function chainOfLedger(db: Database.Database): { block: number; kind: number; seq: number; digest: string }[] {
  const blocks = db.prepare<[], Block>('SELECT n, at, entries, link FROM chain ORDER BY n').all()
  return blocks.flatMap((block, i) => {
    const before = blocks[i - 1]
    if (before !== undefined && (block.n !== before.n + 1 || !linkOf(before.link, block).equals(block.link)))
      throw new Error(`block ${block.n} does not fit the one before it`)
    return entriesOf(block.entries).map(({ kind, seq, digest }) => ({
      block: block.n,
      kind,
      seq,
      digest: Buffer.from(digest).toString('hex'),
    }))
  })
}

/** Each row of the three tables as it stands fits its last entry, which is in the block that the row names. */
export function assertCovered(db: Database.Database): void {
  const last = new Map<string, { block: number; digest: string }>()
  for (const { block, kind, seq, digest } of chainOfLedger(db))
    last.set(`${tableOfKind[kind]} ${seq}`, { block, digest })
  for (const table of ['exchanges', 'connections', 'events'] as const) {
    const rows = db.prepare<[], [number, number, ...ChainValue[]]>(
      `SELECT seq, block, ${chainColumnsSql(table)} FROM ${table}`,
    )
    for (const [seq, block, ...values] of rows.raw().all()) {
      assert.deepEqual(last.get(`${table} ${seq}`), { block, digest: digestOf(table, values).toString('hex') })
      last.delete(`${table} ${seq}`)
    }
  }
  assert.equal(last.size, 0)
}

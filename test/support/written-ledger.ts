import {
  chainColumnsSql,
  chainOf,
  type ChainValue,
  digestOf,
  type EntryKind,
  entryKinds,
} from '../../src/store/chain.ts'
import { openStore, type Store } from '../../src/store/open.ts'
import { tempFolder } from './temp.ts'

export type Columns = Readonly<Record<string, ChainValue>>

/** A ledger that is written by hand, a block of the chain each time; times are whatever the test says. */
export type WrittenLedger = {
  readonly dir: string
  readonly db: Store
  /** New exchanges in one block: what is not said is as usual. Gives their `seq`. */
  readonly exchanges: (...rows: readonly Columns[]) => number[]
  readonly connections: (...rows: readonly Columns[]) => number[]
  /** Changes a row, with an entry of that kind. */
  readonly change: (kind: 'done' | 'lost' | 'erased', seq: number, columns: Columns) => void
  /** Removes the blocks up to this one, and the rows whose last entry is in them. */
  readonly remove: (throughBlock: number) => void
  readonly head: () => number
  readonly close: () => void
}

export function writtenLedger(dir: string = tempFolder('written')): WrittenLedger {
  const db = openStore({ dir, durability: 'relaxed' })
  const chain = chainOf(db)
  let count = 0

  const write = (
    run: (block: { n: number; add: (kind: EntryKind, seq: number, digest: Uint8Array) => void }) => void,
  ) => db.transaction(() => chain.write('2026-01-01T00:00:00.000Z', run)).immediate()

  function insert(table: 'exchanges' | 'connections', kind: EntryKind, rows: readonly Columns[]): number[] {
    const seqs: number[] = []
    write(({ n, add }) => {
      for (const row of rows) {
        const columns = { ...usual(table, (count += 1)), ...row, block: n }
        const names = Object.keys(columns)
        const { lastInsertRowid } = db
          .prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`)
          .run(Object.values(columns))
        seqs.push(Number(lastInsertRowid))
        add(
          'state' in columns && columns.state === 'open' ? entryKinds.open : kind,
          Number(lastInsertRowid),
          digest(table, lastInsertRowid),
        )
      }
    })
    return seqs
  }

  function digest(table: 'exchanges' | 'connections', seq: number | bigint): Buffer {
    const values = db
      .prepare(`SELECT ${chainColumnsSql(table)} FROM ${table} WHERE seq = ?`)
      .raw()
      .get(seq)
    return digestOf(table, values as ChainValue[])
  }

  return {
    dir,
    db,
    exchanges: (...rows) => insert('exchanges', entryKinds.once, rows),
    connections: (...rows) => insert('connections', entryKinds.connection, rows),
    change: (kind, seq, columns) =>
      write(({ n, add }) => {
        const names = Object.keys({ ...columns, block: n })
        db.prepare(`UPDATE exchanges SET ${names.map((name) => `${name} = ?`).join(', ')} WHERE seq = ?`).run([
          ...Object.values(columns),
          n,
          seq,
        ])
        add(entryKinds[kind], seq, digest('exchanges', seq))
      }),
    remove: (throughBlock) =>
      db
        .transaction(() => {
          for (const table of ['exchanges', 'connections', 'events']) {
            db.prepare(`DELETE FROM ${table} WHERE block <= ?`).run(throughBlock)
          }
          db.prepare('DELETE FROM chain WHERE n > 0 AND n <= ?').run(throughBlock)
        })
        .immediate(),
    head: () => chain.head().n,
    close: () => db.close(),
  }
}

function usual(table: 'exchanges' | 'connections', count: number): Columns {
  const id = `01900000-0000-7000-8000-${count.toString(16).padStart(12, '0')}`
  const at = new Date(Date.UTC(2026, 0, 1) + count * 60_000).toISOString()
  if (table === 'connections') return { id, at, host: 'bank.example', handling: 'tunnel' }
  const row = { id, at, door: 'proxy', host: 'api.openai.com', port: 443, method: 'POST', path: '/', state: 'done' }
  return { ...row, decision: 'allow', findings: '[]', request_sha256: null }
}

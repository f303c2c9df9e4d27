import type { Statement } from 'better-sqlite3'
import { hash, randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { uuidv7 } from '../../src/core/ids.ts'
import {
  chainColumnsSql,
  type ChainedTable,
  chainOf,
  type ChainValue,
  digestOf,
  entryKinds,
} from '../../src/store/chain.ts'
import { databasePath, openStore, type Store } from '../../src/store/open.ts'
import { verify } from '../../src/audit/verify/core.ts'
import { ledgerSource } from '../../src/audit/verify/ledger.ts'
import type { Verified } from '../../src/audit/verify/source.ts'
import { spillName } from '../../src/audit/bodies/spill-file.ts'

export type OldBlockOptions = {
  /** When the block says that it was written. */
  readonly at: number
  readonly exchanges?: number
  readonly connections?: number
  readonly events?: number
  /** Bytes of the request body, inline, and of the response body, in a file. */
  readonly inline?: number
  readonly spill?: number
  readonly state?: 'open' | 'done'
  /** What its entry says; of an open row that was there before the chain: `done`. */
  readonly kind?: 'open' | 'done'
  readonly principal?: string
  readonly text?: string
}

/** Adds a block with rows of this age, as a recorder of that time would have; answers the ids of its exchanges. */
export function addBlock(db: Store, dir: string, options: OldBlockOptions): string[] {
  const { exchanges = 1, connections = 0, events = 0, state = 'done' } = options
  const ids: string[] = []
  // The ledger was made before.
  const made = new Date(options.at - 1).toISOString()
  db.prepare('UPDATE chain SET at = min(at, ?) WHERE n = 0').run(made)
  db.transaction(() =>
    chainOf(db).write(new Date(options.at).toISOString(), (block) => {
      const add = (table: ChainedTable, row: Readonly<Record<string, ChainValue>>): void => {
        const names = Object.keys(row)
        const sql = `INSERT INTO ${table} (${names.join(', ')}, block) VALUES (${names.map(() => '?').join(', ')}, ?)`
        const { lastInsertRowid } = prepared(db, sql).run(...Object.values(row), block.n)
        const seq = Number(lastInsertRowid)
        const values = prepared(db, `SELECT ${chainColumnsSql(table)} FROM ${table} WHERE seq = ?`)
          .raw()
          .get(seq)
        const kind = {
          exchanges: entryKinds[options.kind ?? state],
          connections: entryKinds.connection,
          events: entryKinds.event,
        }[table]
        block.add(kind, seq, digestOf(table, values as ChainValue[]))
      }
      for (let i = 0; i < exchanges; i += 1) {
        const row = exchangeRow(dir, options)
        add('exchanges', row)
        ids.push(String(row['id']))
      }
      const at = new Date(options.at).toISOString()
      for (let i = 0; i < connections; i += 1) add('connections', { id: uuidv7(options.at), at, handling: 'tunnel' })
      for (let i = 0; i < events; i += 1) add('events', { id: uuidv7(options.at), at, who: 'test', what: 'test.event' })
    }),
  )()
  return ids
}

/** Ends an open exchange as the recorder does. */
export function finish(db: Store, id: string, at: number): void {
  db.transaction(() =>
    chainOf(db).write(new Date(at).toISOString(), (block) => {
      const sql = `UPDATE exchanges SET state = 'done', block = ? WHERE id = ? RETURNING seq, ${chainColumnsSql('exchanges')}`
      const [seq, ...values] = db.prepare<[number, string], [number, ...ChainValue[]]>(sql).raw().get(block.n, id) ?? [
        0,
      ]
      block.add(entryKinds.done, seq, digestOf('exchanges', values))
    }),
  )()
}

/** A ledger in a folder, to be closed by the caller. */
export const ledgerIn = (dir: string): Store => openStore({ dir, durability: 'crash' })

/** What verification finds in the ledger of a folder. */
export async function verifiedLedger(dir: string): Promise<Verified> {
  const source = ledgerSource({ database: databasePath(dir), dir, keys: [] })
  try {
    return await verify(source, { keys: [] })
  } finally {
    source.close()
  }
}

function exchangeRow(dir: string, options: OldBlockOptions): Record<string, ChainValue> {
  const { at, inline = 0, spill = 0, state = 'done', principal = 'ada', text = 'x' } = options
  const id = uuidv7(at)
  const request = inline === 0 ? null : text.repeat(Math.ceil(inline / text.length))
  const name = spill === 0 ? null : spillName(id, 'response')
  const content = randomBytes(spill)
  if (name !== null) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), zstdCompressSync(content))
  }
  return {
    id,
    at: new Date(at).toISOString(),
    door: 'proxy',
    principal,
    host: 'api.openai.com',
    port: 443,
    method: 'POST',
    path: '/v1/chat/completions',
    state,
    request_body: request,
    request_sha256: request === null ? null : hash('sha256', request, 'hex'),
    response_spill: name,
    response_sha256: name === null ? null : hash('sha256', content, 'hex'),
  }
}

type Prepared = Statement<ChainValue[]>

function prepared(db: Store, sql: string): Prepared {
  const known = statements.get(db) ?? new Map<string, Prepared>()
  statements.set(db, known)
  const statement = known.get(sql) ?? db.prepare<ChainValue[]>(sql)
  known.set(sql, statement)
  return statement
}

const statements = new WeakMap<Store, Map<string, Prepared>>()

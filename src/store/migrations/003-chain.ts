import { randomBytes } from 'node:crypto'
import type Database from 'better-sqlite3'
import { chainColumnsSql, type ChainedTable, chainOf, type ChainValue, digestOf, entryKinds } from '../chain.ts'
import type { Migration } from './migration.ts'

// What the table of the first step had.
const columns = `seq, id, at, door, client_ip, principal, process, host, port, method, path, http_version,
  upstream_http_version, provider, operation, model, stream, status, decision, rule, state, error,
  request_bytes, response_bytes, first_byte_ms, duration_ms, added_ms, input_tokens, cached_tokens,
  cache_write_tokens, output_tokens, reasoning_tokens, cost_usd, finish_reason, upstream_id, cache, policy,
  connection_id, trace_id, owner, request_spill, response_spill, request_sha256, response_sha256,
  request_truncated, response_truncated, attestation, tools, hooks, findings, request_body, response_body`

/**
 * The chain over the rows of the three tables, in the order of their transactions; signed checkpoints of it; where each sink stands, and
 * what it refused. `exchanges` is made anew, so that its bodies stay last. `block` is the number in the chain of a row's last entry,
 * `erased` the time when its content was removed on request, `body_key` the id of the key that seals its content.
 */
export const chain: Migration = {
  version: 3,
  sql: `
CREATE TABLE chain (
  n INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  entries BLOB NOT NULL,
  link BLOB NOT NULL
) STRICT;

CREATE TABLE checkpoints (
  number INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  reason TEXT NOT NULL,
  block INTEGER NOT NULL,
  statement TEXT NOT NULL,
  signature BLOB NOT NULL
) STRICT;

CREATE TABLE sinks (
  name TEXT NOT NULL PRIMARY KEY,
  block INTEGER NOT NULL,
  position INTEGER NOT NULL,
  checkpoint INTEGER NOT NULL DEFAULT 0,
  created TEXT NOT NULL,
  updated TEXT NOT NULL,
  delivered INTEGER NOT NULL DEFAULT 0,
  delivered_at TEXT,
  failures INTEGER NOT NULL DEFAULT 0,
  error TEXT
) STRICT;

CREATE TABLE dead_letters (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sink TEXT NOT NULL,
  table_name TEXT NOT NULL,
  row_id TEXT NOT NULL,
  block INTEGER NOT NULL,
  at TEXT NOT NULL,
  reason TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  UNIQUE (sink, table_name, row_id)
) STRICT;

ALTER TABLE exchanges RENAME TO old_exchanges;
DROP INDEX exchanges_at;
DROP INDEX exchanges_open;
CREATE TABLE exchanges (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  at TEXT NOT NULL,
  door TEXT NOT NULL,
  client_ip TEXT,
  principal TEXT,
  process TEXT,
  host TEXT NOT NULL,
  port INTEGER NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  http_version TEXT,
  upstream_http_version TEXT,
  provider TEXT,
  operation TEXT,
  model TEXT,
  stream INTEGER,
  status INTEGER,
  decision TEXT,
  rule TEXT,
  state TEXT NOT NULL,
  error TEXT,
  request_bytes INTEGER,
  response_bytes INTEGER,
  first_byte_ms REAL,
  duration_ms REAL,
  added_ms REAL,
  input_tokens INTEGER,
  cached_tokens INTEGER,
  cache_write_tokens INTEGER,
  output_tokens INTEGER,
  reasoning_tokens INTEGER,
  cost_usd REAL,
  finish_reason TEXT,
  upstream_id TEXT,
  cache TEXT,
  policy TEXT,
  connection_id TEXT,
  trace_id TEXT,
  owner INTEGER,
  block INTEGER NOT NULL DEFAULT 0,
  request_spill TEXT,
  response_spill TEXT,
  request_sha256 TEXT,
  response_sha256 TEXT,
  request_truncated INTEGER,
  response_truncated INTEGER,
  erased TEXT,
  body_key TEXT,
  attestation TEXT,
  tools TEXT,
  hooks TEXT,
  findings TEXT,
  request_body TEXT,
  response_body TEXT
) STRICT;
ALTER TABLE connections ADD COLUMN block INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN block INTEGER NOT NULL DEFAULT 0;
`,
  run(db) {
    const at = new Date().toISOString()
    // Its link is the ledger's identity.
    db.prepare('INSERT INTO chain (n, at, entries, link) VALUES (0, ?, ?, ?)').run(at, Buffer.alloc(0), randomBytes(32))
    moveExchanges(db, at)
    for (const table of ['connections', 'events'] as const) {
      const mark = db.prepare(`UPDATE ${table} SET block = ? WHERE block = 0 AND seq <= ?`)
      chainOld(db, { at, table, from: table, columns: chainColumnsSql(table) }, (block, last) => mark.run(block, last))
    }
  },
}

/** Few at a time, so that the pages of the old table become those of the new one: the file does not grow to twice its size. */
function moveExchanges(db: Database.Database, at: string): void {
  const copy = db.prepare(
    `INSERT INTO exchanges (${columns}, block) SELECT ${columns}, ? FROM old_exchanges WHERE seq <= ? ORDER BY seq`,
  )
  const remove = db.prepare('DELETE FROM old_exchanges WHERE seq <= ?')
  const chained = chainColumnsSql('exchanges').replace('"erased"', 'NULL').replace('"body_key"', 'NULL')
  chainOld(db, { at, table: 'exchanges', from: 'old_exchanges', columns: chained }, (block, last) => {
    copy.run(block, last)
    remove.run(last)
  })
  db.exec(`
UPDATE sqlite_sequence SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'old_exchanges') WHERE name = 'exchanges';
DROP TABLE old_exchanges;
CREATE INDEX exchanges_at ON exchanges (at);
CREATE INDEX exchanges_open ON exchanges (owner) WHERE state = 'open';`)
}

type Old = { readonly at: string; readonly table: ChainedTable; readonly from: string; readonly columns: string }

/** Rows from before there was a chain: what they say today is what is held from now on. `settle` has the block of the rows up to a `seq`. */
function chainOld(
  db: Database.Database,
  { at, table, from, columns: values }: Old,
  settle: (block: number, last: number) => void,
): void {
  const kind = { exchanges: entryKinds.done, connections: entryKinds.connection, events: entryKinds.event }[table]
  const next = db
    .prepare<[number], [number, ...ChainValue[]]>(
      `SELECT seq, ${values} FROM ${from} WHERE seq > ? ORDER BY seq LIMIT ${ROWS_IN_BLOCK}`,
    )
    .raw()
  const chained = chainOf(db)
  let last = 0
  for (let rows = next.all(last); rows.length > 0; rows = next.all(last)) {
    last = rows.at(-1)![0]
    chained.write(at, (block) => {
      for (const [seq, ...row] of rows) block.add(kind, seq, digestOf(table, row))
      settle(block.n, last)
    })
  }
}

const ROWS_IN_BLOCK = 500

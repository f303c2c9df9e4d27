import type { Migration } from './migration.ts'

/**
 * Exchanges, connections, events; and the processes that write them. `seq` is the order of commit and is never used twice. Bodies stand
 * last in a row, so that reading the other columns does not walk through them.
 */
export const ledger: Migration = {
  version: 1,
  sql: `
CREATE TABLE processes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pid INTEGER NOT NULL,
  started TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

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
  request_spill TEXT,
  response_spill TEXT,
  request_sha256 TEXT,
  response_sha256 TEXT,
  request_truncated INTEGER,
  response_truncated INTEGER,
  attestation TEXT,
  tools TEXT,
  hooks TEXT,
  findings TEXT,
  request_body TEXT,
  response_body TEXT
) STRICT;
CREATE INDEX exchanges_at ON exchanges (at);
CREATE INDEX exchanges_open ON exchanges (owner) WHERE state = 'open';

CREATE TABLE connections (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  at TEXT NOT NULL,
  client_ip TEXT,
  principal TEXT,
  host TEXT,
  port INTEGER,
  sni TEXT,
  alpn TEXT,
  handling TEXT NOT NULL,
  reason TEXT,
  bytes_up INTEGER,
  bytes_down INTEGER,
  duration_ms REAL,
  error TEXT,
  attestation TEXT
) STRICT;
CREATE INDEX connections_at ON connections (at);

CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  at TEXT NOT NULL,
  who TEXT NOT NULL,
  what TEXT NOT NULL,
  subject TEXT,
  "before" TEXT,
  "after" TEXT
) STRICT;
CREATE INDEX events_at ON events (at);
`,
}

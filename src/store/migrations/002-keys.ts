import type { Migration } from './migration.ts'

/**
 * Virtual keys. Of a secret only its HMAC is here. `old_hmac` is the secret before the last rotation, good until `old_until`. `models` and
 * `allow` are JSON arrays (empty: any), `limits` a JSON object. Of the keys that are active each has a name of its own.
 */
export const keys: Migration = {
  version: 2,
  sql: `
CREATE TABLE keys (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  owner TEXT,
  state TEXT NOT NULL CHECK (state IN ('active', 'revoked', 'expired')),
  created TEXT NOT NULL,
  expires TEXT,
  revoked TEXT,
  hmac BLOB NOT NULL UNIQUE,
  old_hmac BLOB,
  old_until TEXT,
  models TEXT NOT NULL,
  limits TEXT NOT NULL,
  allow TEXT NOT NULL,
  system_prompt TEXT,
  last_used TEXT
) STRICT;
CREATE UNIQUE INDEX keys_active_name ON keys (name) WHERE state = 'active';
CREATE UNIQUE INDEX keys_old_hmac ON keys (old_hmac) WHERE old_hmac IS NOT NULL;
`,
}

import type { Migration } from './migration.ts'

/**
 * Devices that may attest, and one-time codes by which they enrol themselves. Public keys are the 32 bytes of Ed25519 (RFC 8032, 5.1.5);
 * `old_public_key` is the one before the last rotation, good until `old_until`. `policies` is a JSON array of digests (empty: those the
 * proxy accepts from anybody). Of a code there is only its public key: the code itself is the private one. Times are ISO 8601 in UTC.
 */
export const devices: Migration = {
  version: 4,
  sql: `
CREATE TABLE devices (
  id TEXT NOT NULL PRIMARY KEY,
  owner TEXT,
  state TEXT NOT NULL CHECK (state IN ('active', 'revoked')),
  public_key BLOB NOT NULL CHECK (length(public_key) = 32),
  old_public_key BLOB CHECK (length(old_public_key) = 32),
  old_until TEXT,
  policies TEXT NOT NULL,
  created TEXT NOT NULL,
  not_before TEXT NOT NULL,
  expires TEXT NOT NULL,
  revoked TEXT,
  last_seen TEXT
) STRICT;
CREATE TABLE device_codes (
  public_key BLOB NOT NULL PRIMARY KEY CHECK (length(public_key) = 32),
  device TEXT NOT NULL,
  owner TEXT,
  policies TEXT NOT NULL,
  created TEXT NOT NULL,
  until TEXT NOT NULL,
  device_expires TEXT NOT NULL,
  redeemed TEXT
) STRICT;
CREATE INDEX device_codes_device ON device_codes (device);
`,
}

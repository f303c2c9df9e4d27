import type { Statement } from 'better-sqlite3'
import { addressSet } from '../lib/ip.ts'
import type { AddressSet } from '../lib/ip.ts'
import { lru } from '../lib/lru.ts'
import { databasePath, openStoreForReading, storeError } from '../store/open.ts'
import type { Store } from '../store/open.ts'
import { keyOf } from './key.ts'
import type { Key, KeyRow } from './key.ts'
import { lastUses } from './last-uses.ts'
import { isSecretShaped, sameText } from './secret.ts'
import type { SecretHash } from './secret.ts'

/** What somebody shows: a secret, and where the scheme has one the name of its key. */
export type Shown = { readonly secret: string; readonly name?: string; readonly clientIp: string }

export type Authentication =
  | { readonly kind: 'known'; readonly key: Key }
  /** `key` when the secret is that of a key. Who shows it is told none of this. */
  | {
      readonly kind: 'refused'
      readonly because: 'unknown' | 'name' | 'revoked' | 'expired' | 'address'
      readonly key?: Key['id']
    }

export type KeyAuthenticator = {
  /** Throws `ledger_unavailable` or `ledger_corrupt` when the keys cannot be read: then nobody is known. */
  readonly authenticate: (shown: Shown) => Authentication
  readonly close: () => void
}

/**
 * Tells keys by their secrets. Each is read from the store and believed for a second, so that what another process does to it (revoke,
 * rotate) holds everywhere within that time. Only the HMAC is compared, by the index of the store: how long that takes says nothing of a secret.
 */
export function keyAuthenticator(options: {
  readonly dir: string
  readonly hash: SecretHash
  readonly now: () => number
}): KeyAuthenticator {
  const { hash, now } = options
  const rows = keyRows(options.dir)
  const uses = lastUses({ dir: options.dir })
  const known = lru<string, Known>({ max: MAX_WEIGHT, weigh: ({ weight }) => weight })

  const knownBy = (secret: string, at: number): Known | undefined => {
    const hmac = hash(secret)
    const id = hmac.toString('latin1')
    const before = known.get(id)
    if (before !== undefined && at >= before.readAt && at - before.readAt < FRESH_MS) return before
    const row = rows.withSecret(hmac)
    if (row === undefined) {
      known.delete(id)
      return undefined
    }
    const fresh = knownOf(row, hmac, at)
    known.set(id, fresh)
    return fresh
  }

  return {
    authenticate({ secret, name, clientIp }) {
      const at = now()
      const found = isSecretShaped(secret) ? knownBy(secret, at) : undefined
      if (found === undefined) return { kind: 'refused', because: 'unknown' }
      const time = new Date(at).toISOString()
      const because = reasonAgainst(found, time, name, clientIp)
      if (because !== undefined) return { kind: 'refused', because, key: found.key.id }
      uses.note(found.key.id, time)
      return { kind: 'known', key: found.key }
    },
    close() {
      uses.close()
      rows.close()
    },
  }
}

/** A key as it was read. `until`: the secret shown is good until then. */
type Known = {
  readonly key: Key
  readonly until: string | null
  readonly allow: AddressSet | undefined
  readonly weight: number
  readonly readAt: number
}

function knownOf(row: KeyRow, hmac: Buffer, readAt: number): Known {
  const key = keyOf(row, new Date(readAt).toISOString())
  return {
    key,
    // Of a secret that was replaced without overlap there is no row at all.
    until: row.hmac.equals(hmac) ? key.expires : earliest(row.old_until ?? '', key.expires),
    allow: key.allow.length === 0 ? undefined : addressSet(key.allow),
    weight: 1 + Math.ceil((row.allow.length + row.models.length + (row.system_prompt?.length ?? 0)) / 1_024),
    readAt,
  }
}

const earliest = (a: string, b: string | null): string => (b === null || a < b ? a : b)

function reasonAgainst(
  { key, until, allow }: Known,
  time: string,
  name: string | undefined,
  clientIp: string,
): Extract<Authentication, { kind: 'refused' }>['because'] | undefined {
  if (name !== undefined && !sameText(name.normalize('NFC'), key.name)) return 'name'
  if (key.state !== 'active') return key.state
  if (until !== null && until <= time) return 'expired'
  return allow === undefined || allow(clientIp) ? undefined : 'address'
}

/** The rows of keys, by the HMAC of a present or former secret. */
function keyRows(dir: string): {
  readonly withSecret: (hmac: Buffer) => KeyRow | undefined
  readonly close: () => void
} {
  let db: Store | undefined
  let select: Statement<[{ hmac: Buffer }], KeyRow> | undefined
  const close = (): void => {
    db?.close()
    db = undefined
    select = undefined
  }
  return {
    withSecret(hmac) {
      try {
        db ??= openStoreForReading({ dir })
        select ??= db.prepare<{ hmac: Buffer }, KeyRow>(bySecret)
        return select.get({ hmac })
      } catch (thrown) {
        close()
        throw storeError(databasePath(dir), thrown)
      }
    },
    close,
  }
}

const bySecret = 'SELECT * FROM keys WHERE hmac = @hmac OR old_hmac = @hmac'
const FRESH_MS = 1_000
const MAX_WEIGHT = 20_000

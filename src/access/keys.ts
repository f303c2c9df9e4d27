import { newEventId, newKeyId } from '../core/ids.ts'
import type { EventKind } from '../store/event-kinds.ts'
import { insertEvent } from '../store/events.ts'
import { databasePath, openStore, storeError } from '../store/open.ts'
import type { Durability, Store } from '../store/open.ts'
import { keyOf } from './key.ts'
import type { Key, KeyRow } from './key.ts'
import { newSecret } from './secret.ts'
import type { SecretHash } from './secret.ts'
import type { KeySettings } from './settings.ts'

/** The virtual keys of a data folder, for those who manage them. Every change leaves an event in the same transaction. */
export type Keys = {
  /** The secret is given here and nowhere else. `taken`: an active key has this name. */
  readonly create: (settings: KeySettings) => { kind: 'made'; key: Key; secret: string } | { kind: 'taken' }
  /** In the order they were made. */
  readonly list: () => Key[]
  /** Ends a key at once. One that is revoked already is left as it is. */
  readonly revoke: (id: string) => { kind: 'revoked'; key: Key } | NotFound
  /** A new secret. The old one ends at once, or is good for `overlapMs` more; the one before it ends in any case. */
  readonly rotate: (
    id: string,
    overlapMs: number,
  ) => { kind: 'made'; key: Key; secret: string } | { kind: 'ended'; key: Key } | NotFound
  readonly close: () => void
}

/** Ids may be shortened to a beginning of eight characters or more that only one key has. */
export type NotFound = { readonly kind: 'none' } | { readonly kind: 'several' }

export type KeysOptions = {
  /** The data folder. */
  readonly dir: string
  readonly durability: Durability
  readonly hash: SecretHash
  /** Who acts, for the events. */
  readonly who: string
  readonly now: () => number
}

export function openKeys(options: KeysOptions): Keys {
  const { dir, hash } = options
  const db = openStore({ dir, durability: options.durability })
  const at = (): string => new Date(options.now()).toISOString()
  const read = (id: string): Key => keyOf(db.prepare<[string], KeyRow>(byId).get(id) as KeyRow, at())
  const change = <T>(run: () => T): T => {
    try {
      return db.transaction(run).immediate()
    } catch (thrown) {
      throw storeError(databasePath(dir), thrown)
    }
  }
  const note = (what: EventKind, before: Key | null, after: Key): void => {
    const now = options.now()
    const at = new Date(now).toISOString()
    const { who } = options
    const [was, is] = [text(before), text(after)]
    insertEvent(db, { id: newEventId(now), at, who, what, subject: after.id, before: was, after: is })
  }
  return {
    create: (settings) =>
      change(() => {
        const made = at()
        db.prepare(`UPDATE keys SET state = 'expired' WHERE name = ? AND state = 'active' AND expires <= ?`).run(
          settings.name,
          made,
        )
        if (db.prepare(`SELECT 1 FROM keys WHERE name = ? AND state = 'active'`).get(settings.name) !== undefined)
          return { kind: 'taken' }
        const secret = newSecret()
        const id = newKeyId(options.now())
        db.prepare(insertKey).run({ ...columnsOf(settings), id, created: made, hmac: hash(secret) })
        const key = read(id)
        note('key.create', null, key)
        return { kind: 'made', key, secret }
      }),
    list: () =>
      db
        .prepare<[], KeyRow>('SELECT * FROM keys ORDER BY rowid')
        .all()
        .map((row) => keyOf(row, at())),
    revoke: (wanted) =>
      change(() => {
        const found = find(db, wanted, at())
        if (found.kind !== 'one') return found
        if (found.key.state === 'revoked') return { kind: 'revoked', key: found.key }
        db.prepare(
          `UPDATE keys SET state = 'revoked', revoked = ?, old_hmac = NULL, old_until = NULL WHERE id = ?`,
        ).run(at(), found.key.id)
        const key = read(found.key.id)
        note('key.revoke', found.key, key)
        return { kind: 'revoked', key }
      }),
    rotate: (wanted, overlapMs) =>
      change(() => {
        const found = find(db, wanted, at())
        if (found.kind !== 'one') return found
        if (found.key.state !== 'active') return { kind: 'ended', key: found.key }
        const secret = newSecret()
        const until = overlapMs > 0 ? new Date(options.now() + overlapMs).toISOString() : null
        db.prepare(rotateKey).run({ id: found.key.id, hmac: hash(secret), until })
        const key = read(found.key.id)
        note('key.rotate', found.key, key)
        return { kind: 'made', key, secret }
      }),
    close: () => void db.close(),
  }
}

function find(db: Store, wanted: string, at: string): { kind: 'one'; key: Key } | NotFound {
  const rows = db
    .prepare<{ id: string; least: number }, KeyRow>(
      'SELECT * FROM keys WHERE id = @id OR (length(@id) >= @least AND substr(id, 1, length(@id)) = @id) LIMIT 2',
    )
    .all({ id: wanted.toLowerCase(), least: SHORTEST_ID })
  const [row] = rows
  if (row === undefined) return { kind: 'none' }
  return rows.length > 1 ? { kind: 'several' } : { kind: 'one', key: keyOf(row, at) }
}

function columnsOf(settings: KeySettings): Record<string, string | null> {
  return {
    name: settings.name,
    owner: settings.owner,
    expires: settings.expires,
    models: JSON.stringify(settings.models),
    limits: JSON.stringify(settings.limits),
    allow: JSON.stringify(settings.allow),
    system_prompt: settings.systemPrompt,
  }
}

const text = (key: Key | null): string | null => (key === null ? null : JSON.stringify(key))

const SHORTEST_ID = 8
const byId = 'SELECT * FROM keys WHERE id = ?'
const insertKey = `INSERT INTO keys (id, name, owner, state, created, expires, hmac, models, limits, allow, system_prompt)
  VALUES (@id, @name, @owner, 'active', @created, @expires, @hmac, @models, @limits, @allow, @system_prompt)`
const rotateKey = `UPDATE keys SET old_hmac = iif(@until IS NULL, NULL, hmac), old_until = @until, hmac = @hmac WHERE id = @id`

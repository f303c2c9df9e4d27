import type { KeyId } from '../core/ids.ts'
import type { KeySettings } from './settings.ts'

/** A virtual key as it may be shown. Times are ISO 8601 in UTC with milliseconds. */
export type Key = KeySettings & {
  readonly id: KeyId
  readonly state: 'active' | 'revoked' | 'expired'
  readonly created: string
  readonly revoked: string | null
  /** The secret before the last rotation is good until then. */
  readonly overlap: string | null
  readonly lastUsed: string | null
}

/** A row of the table `keys`. */
export type KeyRow = {
  readonly id: string
  readonly name: string
  readonly owner: string | null
  readonly state: 'active' | 'revoked' | 'expired'
  readonly created: string
  readonly expires: string | null
  readonly revoked: string | null
  readonly hmac: Buffer
  readonly old_hmac: Buffer | null
  readonly old_until: string | null
  readonly models: string
  readonly limits: string
  readonly allow: string
  readonly system_prompt: string | null
  readonly last_used: string | null
}

/** The key of a row, as it stands at a time. */
export function keyOf(row: KeyRow, at: string): Key {
  return {
    id: row.id as KeyId,
    name: row.name,
    owner: row.owner,
    state: stateOf(row, at),
    created: row.created,
    expires: row.expires,
    revoked: row.revoked,
    models: JSON.parse(row.models) as string[],
    limits: JSON.parse(row.limits) as KeySettings['limits'],
    allow: JSON.parse(row.allow) as string[],
    systemPrompt: row.system_prompt,
    overlap: row.old_until !== null && row.old_until > at ? row.old_until : null,
    lastUsed: row.last_used,
  }
}

function stateOf({ state, expires }: KeyRow, at: string): Key['state'] {
  return state === 'active' && expires !== null && expires <= at ? 'expired' : state
}

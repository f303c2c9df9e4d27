import { openKeys, type Keys } from '../../src/access/keys.ts'
import { secretHash, type SecretHash } from '../../src/access/secret.ts'
import { keySettings, type KeySettings } from '../../src/access/settings.ts'
import { tempFolder } from './temp.ts'

export type KeyRoom = {
  readonly dir: string
  readonly hash: SecretHash
  readonly keys: Keys
  /** A clock that stands until it is set. */
  readonly clock: { now: number }
  /** Makes a key; gives its id and secret. */
  readonly make: (settings: Partial<KeySettings> & { readonly name: string }) => { id: string; secret: string }
}

/** The keys of a new data folder. */
export function keyRoom(): KeyRoom {
  const dir = tempFolder('keys')
  const hash = secretHash(Buffer.alloc(32, 9))
  const clock = { now: Date.UTC(2026, 0, 1) }
  const keys = openKeys({ dir, durability: 'crash', hash, who: 'tester', now: () => clock.now })
  return {
    dir,
    hash,
    keys,
    clock,
    make: (settings) => {
      const outcome = keys.create(keySettings.parse(settings))
      if (outcome.kind !== 'made') throw new Error(`the key was not made: ${outcome.kind}`)
      return { id: outcome.key.id, secret: outcome.secret }
    },
  }
}

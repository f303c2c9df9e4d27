import { join } from 'node:path'
import { chores } from '../audit/keeper/chore-list.ts'
import type { KeeperSettings } from '../audit/keeper/chores.ts'
import { erasable, type Erased, erase, type EraseTarget } from '../audit/keeper/erase.ts'
import type { Config } from '../config/schema.ts'
import { takeLease } from '../store/lease.ts'
import { databasePath, openStore, openStoreForReading, orStoreError, type Store } from '../store/open.ts'
import { forgetPlaceholders } from '../store/placeholders.ts'
import { keeperSettings } from './keeper.ts'
import { tenantName } from './rooms.ts'

export type Erasure = Erased & {
  /** Placeholders of the principal, with the sealed values they stood for. */
  readonly placeholders: number
}

/** What `eraseContent` would do; nothing is written. */
export function erasureOf(config: Config, target: EraseTarget): ReturnType<typeof erasable> {
  const db = openStoreForReading({ dir: config.data.dir })
  try {
    return erasable(db, target)
  } finally {
    db.close()
  }
}

/** Removes the content of a principal, or of one exchange, wherever the data folder has it. Throws when there is no ledger. */
export async function eraseContent(
  config: Config,
  options: { readonly target: EraseTarget; readonly who: string; readonly now: () => number },
  signal: AbortSignal,
): Promise<Erasure> {
  const { dir } = config.data
  const { target, now } = options
  openStoreForReading({ dir }).close()
  const db = orStoreError(databasePath(dir), () => openStore({ dir, durability: config.audit.durability }))
  try {
    const erased = await erase(db, { dir, ...options }, signal)
    await cleanIndex(db, keeperSettings(config), now, signal)
    if (target.kind === 'exchange') return { ...erased, placeholders: 0 }
    const before = target.before === undefined ? undefined : Date.parse(target.before)
    return { ...erased, placeholders: forgetPlaceholders(dir, tenantName(`principal ${target.principal}`), before) }
  } finally {
    db.close()
  }
}

/** Takes the content out of the text index; a keeper that runs does so by itself, within seconds. */
async function cleanIndex(db: Store, settings: KeeperSettings, now: () => number, signal: AbortSignal): Promise<void> {
  const lease = takeLease(join(settings.dir, 'keeper.lock'))
  if (lease === undefined) return
  try {
    for (const kind of chores.filter(({ name, wanted }) => name === 'text-index' && wanted(settings))) {
      const silent = { notice: () => {}, figure: () => {}, count: () => {} }
      const chore = (await kind.load())({ settings, db, now, ...silent })
      await chore.run(signal)
      await chore.close?.()
    }
  } finally {
    lease.release()
  }
}

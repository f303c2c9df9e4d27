import { ledger } from './001-ledger.ts'
import { keys } from './002-keys.ts'
import { chain } from './003-chain.ts'
import { devices } from './004-devices.ts'
import type { Migration } from './migration.ts'

/** Every migration, in the order it is run. */
export const migrations: readonly Migration[] = [ledger, keys, chain, devices]

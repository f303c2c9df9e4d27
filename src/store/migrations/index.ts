import { ledger } from './001-ledger.ts'
import type { Migration } from './migration.ts'

/** Every migration, in the order it is run. */
export const migrations: readonly Migration[] = [ledger]

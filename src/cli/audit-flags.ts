import type { Command as Commander } from 'commander'
import { providerNames } from '../app/catalogue.ts'
import {
  decisionsOf,
  type LedgerFilter,
  type LedgerTable,
  ledgerTables,
  listOf,
  unfitFilters,
} from '../audit/find/filter.ts'
import { nearest } from '../lib/nearest.ts'
import { UsageError } from './command.ts'
import { timeOf } from './flags.ts'
import { jsonLine } from './output.ts'

/** What the commands of `audit` have in common. */
export type Flags = { readonly config?: string; readonly json?: boolean }
export type RangeFlags = Flags & LedgerFilter
export type FilterFlags = RangeFlags & { readonly table: string }

/** Throws UsageError for what no row of the table could be. */
export function searchOf(flags: FilterFlags): { table: LedgerTable; filter: LedgerFilter } {
  const table = oneOf('table', flags.table, ledgerTables) ?? 'exchanges'
  const filter = filterOf(flags, table)
  const [unfit] = unfitFilters(table, filter)
  if (unfit !== undefined) throw new UsageError(`--${unfit} does not go with --table ${table}`)
  return { table, filter }
}

export function filterOf(flags: LedgerFilter, table: LedgerTable = 'exchanges'): LedgerFilter {
  const { host, provider, model, principal, decision, finding, text } = flags
  const [since, until] = [timeOf('since', flags.since), timeOf('until', flags.until)]
  if (table !== 'events') eachOneOf('decision', decision, decisionsOf[table])
  eachOneOf('provider', provider, providerNames)
  if (text === '') throw new UsageError('--text is empty')
  return { since, until, host, provider, model, principal, decision, finding, text }
}

/** The value of a flag that is one of a list. Throws UsageError that names the nearest. */
export function oneOf<T extends string>(name: string, value: string | undefined, all: readonly T[]): T | undefined {
  if (value === undefined) return undefined
  const found = all.find((one) => one === value)
  if (found !== undefined) return found
  const close = nearest(value, all)
  throw new UsageError(
    `--${name} ${jsonLine(value)} is none of ${all.join(', ')}`,
    close === undefined ? undefined : `did you mean ${close}?`,
  )
}

/** The value of a flag that is the whole id of a row. */
export function idOf(name: string, value: string | undefined): string | undefined {
  if (value === undefined || /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)) return value
  throw new UsageError(`--${name} ${jsonLine(value)} is not the id of a row`, '`sallyport audit find` prints ids')
}

export function readable(command: Commander): Commander {
  return command
    .option('-c, --config <file>', 'configuration file (default: sallyport.yaml, if there is one)')
    .option('--json', 'print JSON lines')
}

export function ranged(command: Commander): Commander {
  return command
    .option('--since <when>', 'not before: 30m, 24h, 7d, or a date or time (UTC)')
    .option('--until <when>', 'before')
    .option('--host <glob>', 'host')
    .option('--provider <name>', 'provider')
    .option('--model <glob>', 'model')
    .option('--principal <name>', 'principal')
    .option('--decision <name>', 'decision; of a connection, its handling')
    .option('--finding <glob>', 'type of a finding')
}

export function filtered(command: Commander): Commander {
  return ranged(readable(command)).option('--table <name>', 'exchanges, connections or events', 'exchanges')
}

function eachOneOf(name: string, value: string | undefined, all: readonly string[]): void {
  if (value !== undefined) for (const one of listOf(value)) oneOf(name, one, all)
}

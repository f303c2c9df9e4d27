import type { Command as Commander } from 'commander'
import { type LedgerFilter, type LedgerTable, ledgerTables, unfitFilters } from '../audit/filter.ts'
import { UsageError } from './command.ts'
import { timeOf } from './flags.ts'

/** What the commands of `audit` have in common. */
export type Flags = { readonly config?: string; readonly json?: boolean }
export type RangeFlags = Flags & LedgerFilter
export type FilterFlags = RangeFlags & { readonly table: string }
export function searchOf(flags: FilterFlags): { table: LedgerTable; filter: LedgerFilter } {
  const table = ledgerTables.find((name) => name === flags.table)
  if (table === undefined) throw new UsageError(`--table is one of ${ledgerTables.join(', ')}`)
  const filter = filterOf(flags)
  const [unfit] = unfitFilters(table, filter)
  if (unfit !== undefined) throw new UsageError(`--${unfit} does not go with --table ${table}`)
  return { table, filter }
}

export function filterOf(flags: LedgerFilter): LedgerFilter {
  const { host, provider, model, principal, decision, finding, text } = flags
  const [since, until] = [timeOf('since', flags.since), timeOf('until', flags.until)]
  return { since, until, host, provider, model, principal, decision, finding, text }
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

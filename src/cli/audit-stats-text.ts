import type { StatsGroup, StatsKey } from '../audit/find/ledger-groups.ts'
import type { LedgerStats } from '../audit/find/ledger-stats.ts'
import { ms } from './audit-text.ts'
import type { Io } from './command.ts'
import { printTable } from './output.ts'

export function shownStats(stats: LedgerStats): string[] {
  const counts = (title: string, of: Readonly<Record<string, number>>): string[] => {
    const entries = Object.entries(of).filter(([, count]) => count > 0)
    const width = Math.max(0, ...entries.map(([name]) => name.length))
    return entries.length === 0
      ? []
      : ['', title, ...entries.map(([name, count]) => `  ${name.padEnd(width)}  ${count}`)]
  }
  const times = (title: string, { p50, p99 }: LedgerStats['duration_ms']): string[] =>
    p50 === null ? [] : [`${title.padEnd(12)}  p50 ${ms(p50)}  p99 ${ms(p99)}`]
  return [
    `exchanges     ${stats.exchanges}`,
    ...(stats.exchanges === 0 ? [] : [`cost          ${costOf(stats)}`]),
    ...times('duration', stats.duration_ms),
    ...times('first byte', stats.first_byte_ms),
    ...times('added', stats.added_ms),
    ...counts('decisions', stats.decisions),
    ...counts('states', stats.states),
    ...counts('findings', stats.findings),
    ...counts('providers', stats.providers),
    ...counts('models', stats.models),
    ...counts('tokens', stats.tokens),
    ...counts('connections', stats.connections),
  ]
}

/** A line for each group. */
export async function shownGroups(io: Io, by: StatsKey, groups: readonly StatsGroup[]): Promise<void> {
  const count = (title: string, of: (group: StatsGroup) => string | number) => ({ title, of, align: 'right' as const })
  await printTable<StatsGroup>(
    io,
    [
      { title: by, of: ({ name }) => name },
      count('exchanges', ({ exchanges }) => exchanges),
      count('with findings', (group) => group.with_findings),
      count('blocked', ({ blocked }) => blocked),
      count('tokens in', (group) => group.input_tokens),
      count('tokens out', (group) => group.output_tokens),
      count('cost', costOf),
    ],
    groups,
  )
}

/** What is known; exchanges whose price is not are told, and never taken for free. */
function costOf({ cost_usd: cost, unpriced }: Pick<StatsGroup, 'cost_usd' | 'unpriced'>): string {
  if (cost === null) return unpriced === 0 ? '-' : 'unknown'
  return `$${cost.toFixed(4)}${unpriced === 0 ? '' : ` (and ${unpriced} exchanges without a known price)`}`
}

import { Counter, Gauge, Registry } from 'prom-client'

type Labels = Readonly<Record<string, string>>

/** The metrics of the ledger's keeper, which there is one of, beside those of the processes that serve. */
export type KeeperMetrics = {
  /** Both answer whether there is a figure of this name. */
  readonly set: (name: string, value: number, labels: Labels) => boolean
  readonly add: (name: string, more: number, labels: Labels) => boolean
  readonly registry: Registry
}

export function createKeeperMetrics(): KeeperMetrics {
  const registry = new Registry()
  const made = new Map<string, Gauge | Counter>()
  for (const [name, [kind, help, ...labelNames]] of Object.entries(keeperMetrics)) {
    const described = { name: `sallyport_${name}`, help, labelNames, registers: [registry] }
    made.set(name, kind === 'gauge' ? new Gauge(described) : new Counter(described))
  }
  return {
    registry,
    set(name, value, labels) {
      const metric = made.get(name)
      if (!(metric instanceof Gauge)) return false
      metric.set({ ...labels }, value)
      return true
    },
    add(name, more, labels) {
      const metric = made.get(name)
      if (metric === undefined) return false
      metric.inc({ ...labels }, more)
      return true
    },
  }
}

type Declared = readonly [kind: 'gauge' | 'counter', help: string, ...labels: string[]]

/** Kind, help and labels by name. */
export const keeperMetrics: Readonly<Record<string, Declared>> = {
  ledger_keeper: ['gauge', 'Whether this program does the chores of the ledger: 1, or 0 when another one does.'],
  ledger_chore_failures_total: ['counter', 'Chores of the ledger that failed.', 'chore'],
  ledger_bytes: ['gauge', 'Bytes of the ledger: of rows, of free pages of the database, of body files.', 'part'],
  ledger_removed_rows_total: ['counter', 'Rows that retention removed.', 'table'],
  ledger_checkpoint_timestamp_seconds: ['gauge', 'When the last checkpoint was signed.'],
  ledger_orphans_total: ['counter', 'Body files without a row that were removed.'],
  ledger_missing_files: ['gauge', 'Body files that rows name and that are not there.'],
  export_up: [
    'gauge',
    'Whether a sink can be delivered to: 1, or 0 while it fails or has too many dead letters.',
    'sink',
  ],
  export_rows_total: ['counter', 'Rows that a sink took.', 'sink'],
  export_batches_total: ['counter', 'Deliveries that a sink took.', 'sink'],
  export_failures_total: ['counter', 'Deliveries that failed and were tried again.', 'sink', 'class'],
  export_refused_rows_total: ['counter', 'Rows that a receiver refused: they became dead letters.', 'sink'],
  export_dead_letters: ['gauge', 'Dead letters that are kept.', 'sink'],
  export_lag_blocks: ['gauge', 'Transactions of the ledger that a sink has not had.', 'sink'],
  export_lag_seconds: ['gauge', 'Age of the oldest of them.', 'sink'],
  export_last_success_timestamp_seconds: ['gauge', 'When a sink last took something.', 'sink'],
  export_gap_rows_total: ['counter', 'Rows that were removed before a sink had them.', 'sink'],
}

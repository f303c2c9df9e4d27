import type { SealKey } from '../bodies/seal.ts'
import type { Durability, Store } from '../../store/open.ts'

/**
 * A piece of work on the ledger that stays out of the way of traffic: checkpoints, retention, export. It runs in the keeper's thread, of
 * all processes of a data folder in the one that holds the lease; one run of it at a time, the next one `everyMs` after the end of the last.
 */
export type Chore = {
  /** As it is named in the log and in metrics: `retention`. */
  readonly name: string
  readonly everyMs: number
  /**
   * Does what there is to do, in steps that hold the write lock for at most 5 ms and yield between them. Ends soon after the signal.
   * What it throws is told, counted, and tried again later, after a growing pause.
   */
  readonly run: (signal: AbortSignal) => Promise<void> | void
  /** The last run, when the program ends and all rows are written: a second of work at most. */
  readonly last?: (signal: AbortSignal) => Promise<void> | void
  /** Lets go of what it opened; before the thread ends, when the settings change, and when the database was replaced. */
  readonly close?: () => Promise<void> | void
}

/** A line of the list in chore-list.ts. */
export type ChoreKind = {
  readonly name: string
  readonly wanted: (settings: KeeperSettings) => boolean
  readonly load: () => Promise<(context: ChoreContext) => Chore>
}

export type ChoreContext = {
  /** They do not change while a chore lives: with new ones it is closed and made again. */
  readonly settings: KeeperSettings
  /** The thread's writing connection. Nothing may be left open in it when a chore yields. */
  readonly db: Store
  readonly now: () => number
  /** A line of the log: ids and facts, never content, keys, or found values. */
  readonly notice: (
    level: 'info' | 'warn' | 'error',
    message: string,
    fields: Readonly<Record<string, unknown>>,
  ) => void
  /** Sets a figure of /metrics; its name is declared with the metrics of the keeper. */
  readonly figure: (name: string, value: number, labels?: Labels) => void
  /** Adds to a figure of /metrics that only grows. */
  readonly count: (name: string, more: number, labels?: Labels) => void
}

export type Labels = Readonly<Record<string, string>>

/** What the keeper is told of the configuration; it goes to the thread by structured clone. */
export type KeeperSettings = {
  /** The data folder. */
  readonly dir: string
  readonly durability: Durability
  readonly retention: { readonly days: number; readonly maxBytes: number }
  /** Every so often a checkpoint is made, when something was written. */
  readonly checkpointSeconds: number
  /** Whether there is a full-text index. */
  readonly search: boolean
  /** `audit.export`, as the configuration has it. */
  readonly sinks: readonly { readonly name: string; readonly type: string }[]
  /** Those that open stored bodies; none when undefined. */
  readonly keys?: readonly SealKey[]
}

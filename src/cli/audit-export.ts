import { resolve } from 'node:path'
import type { Command as Commander } from 'commander'
import { loadConfig } from '../config/load.ts'
import { exportBundle } from './audit-bundle.ts'
import { filtered } from './audit-flags.ts'
import { exportRows, type RowFlags } from './audit-export-rows.ts'
import { backFillSink, retrySink, type SinkFlags, testSink } from './audit-export-sink.ts'
import { listLetters, printStatus } from './audit-export-status.ts'
import { type Io, type RunAction, UsageError } from './command.ts'

export const exportExamples = [
  'sallyport audit export --since 7d --format csv --out week.csv',
  'sallyport audit export --test soc',
  'sallyport audit export --sink soc --since 2026-01-31 --until 2026-02-01',
  'sallyport audit export --status',
  'sallyport audit export --bundle bundle/ --since 30d',
]

/** `audit export`: rows to a file, and all that is to be done about sinks. */
export function exportCommand(parent: Commander, io: Io, run: RunAction): Commander {
  return filtered(parent.command('export').description('rows as JSON lines or CSV; sinks: test, back-fill, status'))
    .option('--format <name>', 'jsonl or csv', 'jsonl')
    .option('--text <text>', 'text in a body')
    .option('--bodies', 'with the stored bodies')
    .option('--no-bodies', 'of a bundle: without the stored bodies')
    .option('--bundle <dir>', 'a folder with rows, chain, checkpoints and a verifier, for an auditor')
    .option('--out <file>', 'write to this file (mode 0600), not to standard output')
    .option('--sink <name>', 'send rows of the past, --since and --until, to a sink')
    .option('--test <sink>', 'send one row, marked as a test, to a sink')
    .option('--status', 'where each sink stands')
    .option('--dead-letters [sink]', 'list the rows that sinks refused')
    .option('--retry', 'with --dead-letters: send them again')
    .action(run((_: unknown, self: Commander) => dispatch(self.optsWithGlobals(), io)))
}

type ExportFlags = RowFlags &
  SinkFlags & {
    readonly sink?: string
    readonly bundle?: string
    readonly test?: string
    readonly status?: boolean
    readonly deadLetters?: string | boolean
    readonly retry?: boolean
  }

async function dispatch(flags: ExportFlags, io: Io): Promise<number> {
  const modes = [flags.sink, flags.test, flags.status, flags.deadLetters, flags.bundle].filter(
    (mode) => mode !== undefined,
  )
  if (modes.length > 1) throw new UsageError('--sink, --test, --status, --dead-letters and --bundle do not go together')
  if (flags.retry === true && flags.deadLetters === undefined) throw new UsageError('--retry goes with --dead-letters')
  const loaded = loadConfig({ file: flags.config, env: io.env, cwd: io.cwd })
  const config = { ...loaded, data: { ...loaded.data, dir: resolve(io.cwd, loaded.data.dir) } }
  const place = { config, io, json: flags.json === true }
  if (flags.status === true) return printStatus(place)
  if (flags.test !== undefined) return testSink(place, flags.test)
  if (flags.bundle !== undefined) return exportBundle(place, { ...flags, bundle: flags.bundle })
  if (flags.sink !== undefined) return backFillSink(place, flags.sink, flags)
  if (flags.deadLetters === undefined) return exportRows(place, flags)
  const only = typeof flags.deadLetters === 'string' ? flags.deadLetters : undefined
  return flags.retry === true ? retrySink(place, only) : listLetters(place, only)
}

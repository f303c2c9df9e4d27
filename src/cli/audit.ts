import { resolve } from 'node:path'
import type { Command as Commander } from 'commander'
import { bodyKeys } from '../app/body-keys.ts'
import type { LedgerTable } from '../audit/find/filter.ts'
import { statsKeys } from '../audit/find/ledger-groups.ts'
import { type Ledger, openLedger } from '../audit/find/ledger.ts'
import type { LedgerRow } from '../audit/find/presented.ts'
import { loadConfig } from '../config/load.ts'
import {
  type FilterFlags,
  filtered,
  filterOf,
  type Flags,
  idOf,
  oneOf,
  ranged,
  type RangeFlags,
  readable,
  searchOf,
} from './audit-flags.ts'
import { shownGroups, shownStats } from './audit-stats-text.ts'
import { inlineOpener } from './audit-opened.ts'
import { showCommand } from './audit-show.ts'
import { lineOf } from './audit-text.ts'
import { checkpointCommand, checkpointExamples } from './audit-checkpoint.ts'
import { exportCommand, exportExamples } from './audit-export.ts'
import { eraseCommand, eraseExamples } from './audit-erase.ts'
import { purgeCommand, purgeExamples } from './audit-purge.ts'
import { verifyCommand, verifyExamples } from './audit-verify.ts'
import type { CliCommand, Io } from './command.ts'
import { wholeNumber } from './flags.ts'
import { jsonLine, printJson, printLines, write } from './output.ts'

export const audit: CliCommand = {
  name: 'audit',
  summary: 'read the ledger: follow it, search it, show one exchange, count',
  examples: [
    'sallyport audit tail',
    "sallyport audit find --since 24h --decision block,redact --host '*.openai.com'",
    'sallyport audit find --finding "SECRET:*" --json',
    'sallyport audit show 0197a3c2',
    'sallyport audit stats --since 7d',
    ...exportExamples,
    ...verifyExamples,
    ...checkpointExamples,
    ...purgeExamples,
    ...eraseExamples,
  ],
  build: (command, io, run) => {
    // Also before the name of the subcommand: `audit -c FILE find`.
    readable(command)
    filtered(command.command('tail').description('print the last exchanges, and the next ones as they end'))
      .option('-n, --lines <count>', 'how many of the last come first', wholeNumber, 10)
      .option('--no-follow', 'stop after these')
      .action(run((_: unknown, self: Commander) => tail(self.optsWithGlobals(), io)))
    filtered(command.command('find').description('print the exchanges that fit, the newest last'))
      .option('--text <text>', 'text in a body')
      .option('--limit <count>', 'the newest so many; 0: all', wholeNumber, 100)
      .option('--before <id>', 'only what came before the row with this id')
      .action(run((_: unknown, self: Commander) => find(self.optsWithGlobals(), io)))
    showCommand(command, io, run)
    ranged(readable(command.command('stats').description('count exchanges, findings, tokens, cost and times')))
      .option('--by <column>', `in groups: ${statsKeys.join(', ')}`)
      .action(run((_: unknown, self: Commander) => stats(self.optsWithGlobals(), io)))
    exportCommand(command, io, run)
    verifyCommand(command, io, run)
    checkpointCommand(command, io, run)
    purgeCommand(command, io, run)
    eraseCommand(command, io, run)
  },
}

type TailFlags = FilterFlags & { readonly lines: number; readonly follow: boolean }
type FindFlags = FilterFlags & { readonly limit: number; readonly before?: string }
type StatsFlags = RangeFlags & { readonly by?: string }

async function tail(flags: TailFlags, io: Io): Promise<void> {
  const { table, filter } = searchOf(flags)
  const ended = new AbortController()
  // Nobody reads any more: `sallyport audit tail | head`.
  for (const event of ['close', 'error']) io.stdout.once(event, () => ended.abort())
  await withLedger(flags, io, async (ledger, opened) => {
    const { lines: last, follow } = flags
    for await (const row of ledger.tail({ table, filter, last, follow, pollMs: POLL_MS, signal: ended.signal })) {
      await printRow(io, table, flags.json === true ? await opened(row) : row, flags)
    }
  })
}

async function find(flags: FindFlags, io: Io): Promise<void> {
  const { table, filter } = searchOf(flags)
  const limit = flags.limit === 0 ? undefined : flags.limit
  const before = idOf('before', flags.before)
  await withLedger(flags, io, async (ledger, opened) => {
    const found = await ledger.search(table, filter, { limit, before })
    for (const row of found.rows()) await printRow(io, table, flags.json === true ? await opened(row) : row, flags)
    if (found.unread > 0) io.stderr.write(`note: ${found.unread} bodies could not be read, so not searched\n`)
    if (found.incomplete) {
      io.stderr.write('note: not all spill files were searched: narrow the search with --since, --host, …\n')
    }
  })
}

async function stats(flags: StatsFlags, io: Io): Promise<void> {
  const filter = filterOf(flags)
  const by = oneOf('by', flags.by, statsKeys)
  await withLedger(flags, io, async (ledger) => {
    const counted = ledger.stats(filter, by)
    if (flags.json === true) await printJson(io, counted)
    else if (by === undefined) await printLines(io, shownStats(counted))
    else await shownGroups(io, by, counted.groups ?? [])
  })
}

async function printRow(io: Io, table: LedgerTable, row: LedgerRow, flags: Flags): Promise<void> {
  if (flags.json === true) await write(io.stdout, `${jsonLine(row)}\n`)
  else await printLines(io, [lineOf(table, row)])
}

type Use<T> = (ledger: Ledger, opened: ReturnType<typeof inlineOpener>) => Promise<T>

async function withLedger<T>(flags: RangeFlags, io: Io, use: Use<T>): Promise<T> {
  const config = loadConfig({ file: flags.config, env: io.env, cwd: io.cwd })
  // Only a text is looked for in bodies: for all else the keys need not be at hand.
  const keys =
    flags.text === undefined ? [] : bodyKeys(config, (message) => void io.stderr.write(`warning: ${message}\n`), io.env)
  const ledger = openLedger(resolve(io.cwd, config.data.dir), keys)
  try {
    return await use(ledger, inlineOpener(config, io))
  } finally {
    ledger.close()
  }
}

const POLL_MS = 200

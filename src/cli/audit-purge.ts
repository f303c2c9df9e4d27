import { resolve } from 'node:path'
import type { Command as Commander } from 'commander'
import { type Purged, purge, purgeable, sinkBlocks } from '../audit/keeper/purge.ts'
import { agedThrough, datedBlocks } from '../audit/keeper/retention-age.ts'
import { compact, shrink } from '../audit/keeper/shrink.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { databasePath, openStore, openStoreForReading, orStoreError, type Store } from '../store/open.ts'
import { type Flags, readable } from './audit-flags.ts'
import { type Io, type RunAction, UsageError } from './command.ts'
import { timeOf } from './flags.ts'
import { jsonLine, printJson, printLines } from './output.ts'
import { userName } from './user-name.ts'

export const purgeExamples = ['sallyport audit purge --before 30d --dry-run']

/** `audit purge`: the oldest rows and their files go, as retention does by itself. */
export function purgeCommand(parent: Commander, io: Io, run: RunAction): Commander {
  return readable(
    parent.command('purge').description('remove rows and files before a date; what is left still verifies'),
  )
    .option('--before <when>', 'what was written before: 30d, or a date or time (UTC)')
    .option('--unexported', 'also what a sink has not had')
    .option('--compact', 'then write the database anew, as small as it can be: nobody can write meanwhile')
    .option('--dry-run', 'only say what it would be')
    .action(run((_: unknown, self: Commander) => runPurge(self.optsWithGlobals(), io)))
}

type PurgeFlags = Flags & {
  readonly before?: string
  readonly unexported?: boolean
  readonly compact?: boolean
  readonly dryRun?: boolean
}

async function runPurge(flags: PurgeFlags, io: Io): Promise<number> {
  const before = timeOf('before', flags.before)
  if (before === undefined && flags.compact !== true) throw new UsageError('say --before WHEN, or --compact')
  const loaded = loadConfig({ file: flags.config, env: io.env, cwd: io.cwd })
  const config = { ...loaded, data: { ...loaded.data, dir: resolve(io.cwd, loaded.data.dir) } }
  const db = opened(config, flags.dryRun === true)
  try {
    return await orStoreErrorLater(databasePath(config.data.dir), () => purgeIn(db, { config, flags, before, io }))
  } finally {
    db.close()
  }
}

type Task = {
  readonly config: Config
  readonly flags: PurgeFlags
  readonly before: string | undefined
  readonly io: Io
}

async function purgeIn(db: Store, { config, flags, before, io }: Task): Promise<number> {
  const sinks = config.audit.export.map(({ name }) => name)
  const aged = before && agedThrough(datedBlocks(db), { before: Date.parse(before), now: Date.now() })
  const wanted = typeof aged === 'number' ? aged : -1
  const through = flags.unexported === true ? wanted : Math.min(wanted, ...waitedFor(db, sinks, wanted, io))
  if (flags.dryRun === true) {
    const would = purgeable(db, through)
    if (flags.json === true) await printJson(io, would)
    else await printLines(io, [`would remove ${countsOf(would)}`])
    return 0
  }
  const { signal } = new AbortController()
  const { dir } = config.data
  const options = { dir, now: Date.now, who: userName(), reason: 'demand', through, sinks } as const
  const purged = await purge(db, options, signal)
  if (flags.compact === true) compact(db)
  else await shrink(db, SLACK, signal)
  if (flags.json === true) await printJson(io, purged)
  else if (before !== undefined) await printLines(io, [shown(purged)])
  for (const [sink, rows] of Object.entries(purged.gaps))
    io.stderr.write(`note: the sink ${jsonLine(sink)} had not had ${rows} of the rows\n`)
  return 0
}

/** The last blocks that sinks have had as a whole, where that is less than what is wanted. */
function waitedFor(db: Store, sinks: readonly string[], wanted: number, io: Io): number[] {
  const behind = [...sinkBlocks(db, sinks)].filter(([, block]) => block <= wanted)
  for (const [sink] of behind)
    io.stderr.write(`note: the sink ${jsonLine(sink)} has not had all of it: --unexported removes that too\n`)
  return behind.map(([, block]) => block - 1)
}

function opened({ data, audit }: Config, forReading: boolean): Store {
  const reading = openStoreForReading({ dir: data.dir })
  if (forReading) return reading
  reading.close()
  return openStore({ dir: data.dir, durability: audit.durability })
}

async function orStoreErrorLater<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (thrown) {
    return orStoreError(path, () => {
      throw thrown
    })
  }
}

function shown(purged: Purged): string {
  const of = purged.blocks === 0 ? '' : `, written from ${purged.from} to ${purged.to}`
  return `removed ${countsOf(purged)} and ${purged.files} files (${purged.bytes} bytes)${of}`
}

const countsOf = ({ exchanges, connections, events }: Pick<Purged, 'exchanges' | 'connections' | 'events'>): string =>
  `${exchanges} exchanges, ${connections} connections, ${events} events`

const SLACK = 0.05

import { resolve } from 'node:path'
import type { Command as Commander } from 'commander'
import { eraseContent, type Erasure, erasureOf } from '../app/erasure.ts'
import type { EraseTarget } from '../audit/keeper/erase.ts'
import { loadConfig } from '../config/load.ts'
import { type Flags, idOf, readable } from './audit-flags.ts'
import { type Io, type RunAction, UsageError } from './command.ts'
import { timeOf } from './flags.ts'
import { printJson, printLines } from './output.ts'
import { userName } from './user-name.ts'

export const eraseExamples = ['sallyport audit erase --principal ada --dry-run']

/** `audit erase`: content goes, rows stay. */
export function eraseCommand(parent: Commander, io: Io, run: RunAction): Commander {
  return readable(parent.command('erase').description('remove the bodies of one principal; the rows stay, and say so'))
    .option('--principal <name>', 'whose')
    .option('--before <when>', 'only of exchanges before: 30d, or a date or time (UTC)')
    .option('--id <id>', 'only of this exchange')
    .option('--dry-run', 'only say what it would be')
    .action(run((_: unknown, self: Commander) => runErase(self.optsWithGlobals(), io)))
}

type EraseFlags = Flags & {
  readonly principal?: string
  readonly before?: string
  readonly id?: string
  readonly dryRun?: boolean
}

async function runErase(flags: EraseFlags, io: Io): Promise<number> {
  const target = targetOf(flags)
  const loaded = loadConfig({ file: flags.config, env: io.env, cwd: io.cwd })
  const config = { ...loaded, data: { ...loaded.data, dir: resolve(io.cwd, loaded.data.dir) } }
  if (flags.dryRun === true) {
    const would = erasureOf(config, target)
    if (flags.json === true) await printJson(io, would)
    else await printLines(io, [`would erase the content of ${would.exchanges} exchanges, ${would.files} files of it`])
    return 0
  }
  const options = { target, who: userName(), now: Date.now }
  const erased = await eraseContent(config, options, new AbortController().signal)
  if (flags.json === true) await printJson(io, erased)
  else await printLines(io, [shown(erased)])
  if (erased.open > 0)
    io.stderr.write(`note: ${erased.open} exchanges are not finished yet: run it again when they are\n`)
  if (erased.remains) io.stderr.write('note: copies may be left in free pages: `sallyport audit purge --compact`\n')
  return 0
}

function targetOf({ principal, before, id }: EraseFlags): EraseTarget {
  if ((principal === undefined) === (id === undefined)) throw new UsageError('say --principal NAME, or --id ID')
  if (principal !== undefined) return { kind: 'principal', principal, before: timeOf('before', before) }
  if (before !== undefined) throw new UsageError('--before goes with --principal')
  return { kind: 'exchange', id: idOf('id', id) ?? '' }
}

function shown({ exchanges, files, bytes, placeholders }: Erasure): string {
  const sealed = placeholders === 0 ? '' : `, and ${placeholders} placeholders`
  return `erased the content of ${exchanges} exchanges, ${files} files (${bytes} bytes)${sealed}`
}

import { appendFileSync, closeSync, openSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command as Commander } from 'commander'
import { checkpointText, makeCheckpoint } from '../audit/checkpoints/checkpoints.ts'
import { fingerprintOf, type Statement } from '../audit/verify/statement.ts'
import { loadConfig } from '../config/load.ts'
import { SallyportError } from '../core/errors.ts'
import { databasePath, openStore, openStoreForReading, orStoreError } from '../store/open.ts'
import { type Flags, readable } from './audit-flags.ts'
import type { Io, RunAction } from './command.ts'
import { printLines, write } from './output.ts'

export const checkpointExamples = ['sallyport audit checkpoint --out /mnt/worm/checkpoints.jsonl']

/** `audit checkpoint`: sign the ledger now, and keep the statement elsewhere. */
export function checkpointCommand(parent: Commander, io: Io, run: RunAction): Commander {
  return readable(parent.command('checkpoint').description('sign the ledger as it stands'))
    .option('--out <file>', 'add the signed statement to this file, to be kept elsewhere')
    .action(run((_: unknown, self: Commander) => checkpoint(self.optsWithGlobals(), io)))
}

async function checkpoint(flags: Flags & { readonly out?: string }, io: Io): Promise<void> {
  const { data, audit } = loadConfig({ file: flags.config, env: io.env, cwd: io.cwd })
  const dir = resolve(io.cwd, data.dir)
  // A ledger that is not there is not made by signing it.
  openStoreForReading({ dir }).close()
  const out = flags.out === undefined ? undefined : opened(resolve(io.cwd, flags.out))
  const made = orStoreError(databasePath(dir), () => {
    const db = openStore({ dir, durability: audit.durability })
    try {
      return makeCheckpoint(db, { dir, reason: 'demand', now: Date.now() })
    } finally {
      db.close()
    }
  })
  if (made === undefined) return
  const text = checkpointText(made)
  if (out !== undefined) {
    appendFileSync(out, text)
    closeSync(out)
  }
  if (flags.json === true) return write(io.stdout, text)
  const { key } = JSON.parse(made.statement) as Statement
  await printLines(io, [
    `checkpoint  ${made.number}`,
    `at          ${made.at}`,
    `block       ${made.block}`,
    `key         ${fingerprintOf(key)}`,
  ])
}

// Before anything is signed: a checkpoint that cannot be handed over is not asked for.
function opened(path: string): number {
  try {
    return openSync(path, 'a', 0o600)
  } catch (cause) {
    throw new SallyportError('config_invalid', `${path} cannot be written`, {
      cause,
      hint: 'Look at its folder and mode.',
    })
  }
}

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Command as Commander } from 'commander'
import { bodyKeys } from '../app/body-keys.ts'
import { knownKeys } from '../audit/checkpoints/ledger-key.ts'
import { orphanFiles } from '../audit/verify/files.ts'
import { bundleSource } from '../audit/verify/bundle.ts'
import { verify } from '../audit/verify/core.ts'
import { type LedgerSource, ledgerSource } from '../audit/verify/ledger.ts'
import { reportLines } from '../audit/verify/report.ts'
import type { Verified, VerifyOptions } from '../audit/verify/source.ts'
import { checkpointLines, publicKeys } from '../audit/verify/statement.ts'
import { loadConfig } from '../config/load.ts'
import { SallyportError } from '../core/errors.ts'
import { chainColumns } from '../store/chain.ts'
import { databasePath, storeError } from '../store/open.ts'
import { type Flags, readable } from './audit-flags.ts'
import { type Io, type RunAction, UsageError } from './command.ts'
import { printJson, printLines } from './output.ts'

export const verifyExamples = [
  'sallyport audit verify',
  'sallyport audit verify --db copy/sallyport.db --public-key ledger.pub --checkpoints kept.jsonl',
  'sallyport audit verify --bundle bundle/ --public-key ledger.pub',
]

/** `audit verify`: the ledger, a copy of it or a bundle, beside running writers or offline. */
export function verifyCommand(parent: Commander, io: Io, run: RunAction): Commander {
  return readable(parent.command('verify').description('prove that nothing was altered, or name the first bad row'))
    .option('--db <file>', 'a database, with its bodies beside it')
    .option('--bundle <dir>', 'an exported bundle')
    .option(
      '--public-key <file>',
      'the key that signs, from where you trust it (default: ledger.pub beside the ledger)',
    )
    .option('--checkpoints <file>', 'checkpoints that were kept elsewhere, one on a line')
    .option('--no-bodies', 'do not look at files of bodies')
    .action(run((_: unknown, self: Commander) => verifyLedger(self.optsWithGlobals(), io)))
}

type VerifyFlags = Flags & {
  readonly db?: string
  readonly bundle?: string
  readonly publicKey?: string
  readonly checkpoints?: string
  readonly bodies: boolean
}

async function verifyLedger(flags: VerifyFlags, io: Io): Promise<number> {
  if (flags.db !== undefined && flags.bundle !== undefined) throw new UsageError('--db and --bundle do not go together')
  const found = flags.bundle === undefined ? await ofDatabase(flags, io) : await ofBundle(flags, flags.bundle, io)
  await (flags.json === true ? printJson(io, found) : printLines(io, reportLines(found)))
  return found.ok ? 0 : 1
}

async function ofDatabase(flags: VerifyFlags, io: Io): Promise<Verified & { readonly orphans: number }> {
  const config = loadConfig({ file: flags.config, env: io.env, cwd: io.cwd })
  const database = resolve(io.cwd, flags.db ?? databasePath(config.data.dir))
  const dir = dirname(database)
  const options = optionsOf(flags, dir, io)
  const warn = (message: string): void => note(io, message)
  const keys = bodyKeys(config, warn, io.env)
  using source = disposable(ledgerSource({ database, dir: flags.bodies ? dir : undefined, keys }))
  const found = await verify(source, options).catch((thrown: unknown) => {
    throw storeError(database, thrown)
  })
  const orphans = flags.bodies ? orphanFiles(dir, source.names) : 0
  if (orphans > 0) note(io, `${orphans} files of bodies have no row: of exchanges that run, or left by a kill`)
  if (found.faults.some(({ what }) => what === 'file missing') && !existsSync(join(dir, 'bodies')))
    io.stderr.write('hint: there is no `bodies` folder beside the database: --no-bodies leaves files out\n')
  for (const [table, more] of Object.entries(source.beyond()))
    if (more > 0)
      note(
        io,
        `SQLite gave out ${more} more numbers for ${table} than there are rows: writes that were tried again, or rows cut off at the end`,
      )
  return { ...found, orphans }
}

async function ofBundle(flags: VerifyFlags, bundle: string, io: Io): Promise<Verified> {
  const dir = resolve(io.cwd, bundle)
  const options = optionsOf(flags, dir, io)
  return orBad(`the bundle ${dir}`, () => verify(bundleSource(dir, chainColumns), options))
}

function optionsOf(flags: VerifyFlags, dir: string, io: Io): VerifyOptions {
  const { publicKey, checkpoints } = flags
  const keys = readKeys(publicKey === undefined ? undefined : resolve(io.cwd, publicKey), dir)
  if (keys.length === 0) note(io, 'there is no ledger.pub: the key is taken from the checkpoints themselves')
  else if (publicKey === undefined)
    note(io, 'the key was found beside the ledger: compare its fingerprint with the one you know')
  return {
    keys,
    signed: publicKey !== undefined,
    kept: checkpoints === undefined ? [] : readKept(resolve(io.cwd, checkpoints)),
  }
}

function readKeys(file: string | undefined, dir: string): readonly string[] {
  try {
    return file === undefined ? knownKeys(dir) : publicKeys(readFileSync(file, 'utf8'))
  } catch (cause) {
    const hint = '--public-key names a PEM file with an Ed25519 public key.'
    throw new SallyportError('config_invalid', `${file ?? join(dir, 'ledger.pub')} cannot be read as a public key`, {
      cause,
      hint,
    })
  }
}

function readKept(file: string): ReturnType<typeof checkpointLines> {
  try {
    return checkpointLines(readFileSync(file, 'utf8'))
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? cause.message : 'it cannot be read'
    const hint = '`sallyport audit checkpoint --out FILE` adds lines to such a file.'
    throw new SallyportError('config_invalid', `${file}: ${reason}`, { cause, hint })
  }
}

async function orBad<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown'
    throw new SallyportError('ledger_corrupt', `${what} cannot be read: ${reason}`, {
      cause,
      hint: 'Copy it again from where it was exported; what cannot be read is not proved.',
    })
  }
}

const disposable = (source: LedgerSource): LedgerSource & Disposable => ({ ...source, [Symbol.dispose]: source.close })
const note = (io: Io, message: string): void => void io.stderr.write(`note: ${message}\n`)

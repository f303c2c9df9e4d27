import { inspect } from 'node:util'
import { Command as Commander, CommanderError } from 'commander'
import { SallyportError } from '../core/errors.ts'
import { version } from '../app/version.ts'
import { UsageError } from './command.ts'
import type { Io, RunAction } from './command.ts'
import { commands } from './index.ts'
import type { LazyCommand } from './index.ts'
import { printable } from './output.ts'

/** Runs the command line (without program and script name) and gives the exit status: 0 done, 1 failed, 2 wrong usage. */
export async function runProgram(argv: readonly string[], io: Io): Promise<number> {
  const debug = beforeSeparator(argv).includes('--debug')
  let status = 0
  const run: RunAction =
    (action) =>
    async (...args) => {
      status = (await action(...args)) ?? 0
    }
  try {
    const program = await programFor(argv, io, run)
    await program.parseAsync(argv, { from: 'user' })
    return status
  } catch (thrown) {
    return reported(thrown, io, debug)
  }
}

async function programFor(argv: readonly string[], io: Io, run: RunAction): Promise<Commander> {
  const program = new Commander('sallyport')
    .description('A gate between your software and the large language models it talks to.')
    .version(version(), '--version', 'print the version')
    .option('--debug', 'print stack traces')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: () => undefined,
    })
    .addHelpText('after', examplesText(['sallyport serve', 'sallyport exec -- curl https://api.openai.com/v1/models']))
  const wanted = wantedCommand(argv)
  for (const entry of commands) await addCommand(program, entry, entry.name === wanted, io, run)
  return program
}

/** Only the command that runs is loaded: the others are a name and a summary. */
async function addCommand(
  program: Commander,
  entry: LazyCommand,
  isWanted: boolean,
  io: Io,
  run: RunAction,
): Promise<void> {
  const command = program.command(entry.name).summary(entry.summary).description(entry.summary)
  if (!isWanted) return
  const { build, examples } = await entry.load()
  build(command, io, run)
  command.addHelpText('after', examplesText(examples))
  for (const inner of command.commands) {
    const own = examples.filter((example) => `${example} `.startsWith(`sallyport ${entry.name} ${inner.name()} `))
    inner.addHelpText('after', examplesText(own.length > 0 ? own : examples))
  }
  takeDebug(command)
  takeConfigEarly(command)
}

/** `--debug` may also stand behind the command; `runProgram` reads it itself. */
function takeDebug(command: Commander): void {
  command.option('--debug', 'print stack traces')
  for (const inner of command.commands) takeDebug(inner)
}

/** `audit -c FILE find` is the same as `audit find -c FILE`. */
function takeConfigEarly(command: Commander): void {
  const takesConfig = (one: Commander): boolean => one.options.some(({ long }) => long === '--config')
  if (takesConfig(command) || !command.commands.some(takesConfig)) return
  command.option('-c, --config <file>', 'configuration file, for the commands that read it')
  command.hook('preSubcommand', (group, inner) => {
    const file: unknown = group.opts().config
    if (file !== undefined && takesConfig(inner)) inner.setOptionValueWithSource('config', file, 'cli')
  })
}

function wantedCommand(argv: readonly string[]): string | undefined {
  const [first, second] = beforeSeparator(argv).filter((word) => !word.startsWith('-'))
  return first === 'help' ? second : first
}

function beforeSeparator(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--')
  return end === -1 ? argv : argv.slice(0, end)
}

function reported(thrown: unknown, io: Io, debug: boolean): number {
  const { message, hint, status } = explained(thrown)
  const lines = message === '' ? [] : message.split('\n').map((line) => `error: ${printable(line)}`)
  if (hint !== undefined && hint !== '') lines.push(`hint: ${printable(hint)}`)
  if (debug && !(thrown instanceof CommanderError)) lines.push(inspect(thrown, { depth: 5 }))
  if (lines.length > 0) io.stderr.write(`${lines.join('\n')}\n`)
  return status
}

type Explained = { readonly message: string; readonly hint?: string; readonly status: number }

function explained(thrown: unknown): Explained {
  if (thrown instanceof CommanderError) return explainedUsage(thrown)
  if (thrown instanceof UsageError) return { message: thrown.message, hint: thrown.hint, status: 2 }
  if (thrown instanceof SallyportError && thrown.code !== 'internal_error') {
    return { message: thrown.message, hint: thrown.hint, status: 1 }
  }
  const cause: unknown = thrown instanceof SallyportError ? (thrown.cause ?? thrown) : thrown
  const message = cause instanceof Error ? cause.message : String(cause)
  // Errors of the operating system say by themselves what is wrong: no such file, permission denied.
  const ofSystem = cause instanceof Error && 'syscall' in cause
  return { message, hint: ofSystem ? undefined : 'run it again with --debug to see where', status: 1 }
}

/** Commander's words are `error: …`, perhaps a line `(Did you mean …?)`; help and version end as errors too. */
function explainedUsage(error: CommanderError): Explained {
  if (error.exitCode === 0) return { message: '', status: 0 }
  if (error.code === 'commander.help') return { message: '', status: 2 }
  const [first = '', suggestion] = error.message.split('\n')
  const hint = suggestion?.replace(/^\(D(.*)\)$/, 'd$1') ?? 'see `sallyport --help`'
  return { message: first.replace(/^error: /, ''), hint, status: 2 }
}

function examplesText(examples: readonly string[]): string {
  return `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}\n`
}

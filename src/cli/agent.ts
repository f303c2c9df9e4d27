import type { Command as Commander, Option } from 'commander'
import { runAgent } from '../app/agent/agent.ts'
import { detach, limitFile } from '../app/agent/detach.ts'
import type { FromAgent } from '../app/agent/detach.ts'
import { planFor } from '../app/agent/plan.ts'
import { statePath } from '../app/agent/state.ts'
import { agentStatus, stopAgent } from '../app/agent/status.ts'
import { stopSignals } from '../app/agent/stop-signals.ts'
import type { ConfigSource } from '../config/load.ts'
import { SallyportError, asSallyportError } from '../core/errors.ts'
import { openLog } from '../lib/log.ts'
import { statusLines } from './agent-text.ts'
import type { CliCommand, Io } from './command.ts'
import { UsageError } from './command.ts'
import { printJson, printLines } from './output.ts'

export const agent: CliCommand = {
  name: 'agent',
  summary: 'redirect what users of this machine send through Sallyport, without them setting anything (Linux)',
  examples: [
    'sallyport agent up --user ada',
    'sallyport agent up --user ada --user ben --as sallyport -c /etc/sallyport/sallyport.yaml',
    'sallyport agent up --machine --except backup --as sallyport --detach',
    'sallyport agent status --json',
    'sallyport agent down',
  ],
  build(command, io, run) {
    command
      .command('up')
      .description('run the doors and redirect traffic to them, until a signal or `agent down` ends both')
      .option('-c, --config <file>', 'configuration file (default: sallyport.yaml, if there is one)')
      .addOption(names(command, '--user <name>', 'redirect what this user sends; repeatable', 'who called sudo'))
      .option('--machine', 'redirect what anybody on this machine sends')
      .addOption(names(command, '--except <name>', 'with --machine: not what this user sends; repeatable', 'nobody'))
      .option('--as <name>', 'run the doors as this user (default: who called sudo, or the owner of data.dir)')
      .option('--detach', 'go to the background once traffic is redirected')
      .action(run((flags: UpFlags) => up(flags, io)))
    command
      .command('down')
      .description('end the redirection: nothing new is redirected at once, what is in flight may finish')
      .option('--now', 'do not wait for what is in flight')
      .action(run((flags: { now?: boolean }) => down(flags, io)))
    command
      .command('status')
      .description('what is redirected; exit status 1 when nothing is')
      .option('--json', 'as one JSON line')
      .action(run((flags: { json?: boolean }) => status(flags, io)))
  },
}

type UpFlags = {
  readonly config?: string
  readonly user: readonly string[]
  readonly machine?: boolean
  readonly except: readonly string[]
  readonly as?: string
  readonly detach?: boolean
}

async function up(flags: UpFlags, io: Io): Promise<number> {
  const { machine = false } = flags
  if (machine && flags.user.length > 0) throw new UsageError('--machine is everybody: leave out --user')
  if (!machine && flags.except.length > 0) throw new UsageError('--except needs --machine')
  mustBeRoot()
  const place = await statePath(RUN_FOLDER)
  const logFile = place.replace(/\.json$/, '.log')
  if (flags.detach !== true) return runUp(flags, io, place, logFile)
  const pid = await detach([program(), ...argumentsOf(flags)], logFile, { ...io.env, [OWN_VARIABLE]: DETACHED })
  await printLines(io, [`traffic is redirected by process ${pid}`, `log: ${logFile}`])
  return 0
}

async function runUp(flags: UpFlags, io: Io, place: string, logFile: string): Promise<number> {
  const isDetached = io.env[OWN_VARIABLE] === DETACHED
  const tell = (message: FromAgent): void => void (isDetached && process.connected && process.send?.(message))
  const signals = stopSignals(io.stderr.isTTY === true)
  const limiting = isDetached
    ? setInterval(() => void limitFile(logFile, MOST_LOG).catch(() => undefined), 60_000)
    : undefined
  try {
    const plan = await planFor({
      ...flags,
      machine: flags.machine === true,
      users: flags.user,
      as: flags.as,
      source: sourceOf(flags, io),
    })
    await runAgent(
      {
        ...plan,
        command: [...process.execArgv, program(), 'serve', ...configArguments(flags)],
        statePath: place,
        log: await openLog(plan.config.log),
        stdio: 'inherit',
        onUp: () => tell({ kind: 'up' }),
      },
      signals,
    )
    return 0
  } catch (thrown) {
    const { code, message, hint } = asSallyportError(thrown)
    tell({ kind: 'failed', code, message, hint })
    throw thrown
  } finally {
    clearInterval(limiting)
    signals.close()
  }
}

async function down({ now = false }: { now?: boolean }, io: Io): Promise<number> {
  onLinux()
  const ended = await stopAgent(await statePath(RUN_FOLDER), { waitMs: now ? 15_000 : LONGEST_GRACE_MS, now })
  await printLines(io, [ended ? 'nothing is redirected any more' : 'no agent runs'])
  return 0
}

async function status({ json = false }: { json?: boolean }, io: Io): Promise<number> {
  onLinux()
  const found = await agentStatus(await statePath(RUN_FOLDER))
  const { running, redirecting, state = null } = found
  if (json) await printJson(io, { running, redirecting, ...state })
  else await printLines(io, statusLines(found))
  return redirecting ? 0 : 1
}

function sourceOf({ config }: UpFlags, io: Io): ConfigSource {
  return { env: io.env, cwd: io.cwd, ...(config === undefined ? {} : { file: config }) }
}

function argumentsOf(flags: UpFlags): string[] {
  const users = flags.user.flatMap((name) => ['--user', name])
  const except = flags.except.flatMap((name) => ['--except', name])
  const machine = flags.machine === true ? ['--machine'] : []
  const as = flags.as === undefined ? [] : ['--as', flags.as]
  return ['agent', 'up', ...configArguments(flags), ...users, ...machine, ...except, ...as]
}

const configArguments = ({ config }: UpFlags): string[] => (config === undefined ? [] : ['-c', config])

/** The script that runs: its processes are started with it too. */
const program = (): string => process.argv[1] ?? ''

function onLinux(): void {
  if (process.platform === 'linux') return
  throw new SallyportError('redirect_failed', 'traffic can be redirected on Linux only', {
    hint: 'Elsewhere set the proxy of the system, or use `sallyport exec`.',
  })
}

function mustBeRoot(): void {
  onLinux()
  if (process.geteuid?.() === 0) return
  throw new SallyportError('redirect_failed', 'only root may redirect traffic', {
    hint: 'Run it with sudo; the doors run as you all the same.',
  })
}

const names = (command: Commander, flags: string, description: string, without: string): Option =>
  command.createOption(flags, description).argParser(gathered).default([], without)

const gathered = (name: string, before: readonly string[]): readonly string[] => [...before, name]

const RUN_FOLDER = '/run/sallyport'
const OWN_VARIABLE = 'SALLYPORT_AGENT'
const DETACHED = 'detached'
const MOST_LOG = 8_388_608
// What is in flight may take as long as shutdown.graceMs says, and another ten seconds until it is ended.
const LONGEST_GRACE_MS = 2_147_483_647

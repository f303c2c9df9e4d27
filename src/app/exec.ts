import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { SallyportError } from '../core/errors.ts'
import type { Config } from '../config/schema.ts'
import { openLog } from '../lib/log.ts'
import { programStart, tellTo } from './acts.ts'
import { addressText } from './listen.ts'
import { startInstance } from './instance.ts'
import { openKeeper } from './keeper.ts'
import { prepare } from './prepare.ts'
import { reportOf } from './report.ts'
import { runningProxy } from './running.ts'
import { childEnvironment } from './child-environment.ts'

export type ExecOptions = {
  readonly config: Config
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Called after the command has ended, with what was seen. */
  readonly report: ((lines: readonly string[]) => Promise<void>) | undefined
}

/** Runs a command with its LLM traffic through Sallyport: the running one, or a private one for as long as the command lives. */
export async function exec(options: ExecOptions): Promise<number> {
  const { config } = options
  // The command owns the terminal: only what is wrong is worth a line.
  const log = await openLog({ ...config.log, level: config.log.level === 'info' ? 'warn' : config.log.level })
  const { authority, created } = await prepare(config, log)
  const shared = await runningProxy(config, authority.fingerprint)
  const own = shared === undefined ? await startInstance(privateConfig(config), log) : undefined
  const tell = own === undefined ? undefined : tellTo(own.recorder)
  if (created) tell?.({ what: 'ca.init', subject: authority.fingerprint, after: { name: authority.name } })
  const { policy } = own?.health().facts ?? {}
  tell?.(programStart(config, { command: 'exec', workers: 1, policy, ca: authority.fingerprint }))
  const keeper = own && openKeeper(config, log)
  const proxy = shared ?? addressText(own?.proxy[0] ?? { host: '127.0.0.1', port: 0 })
  const since = new Date().toISOString()
  try {
    const env = await childEnvironment(config, authority, proxy, options.env)
    return await run(options.command, env, options.cwd)
  } finally {
    tell?.({ what: 'program.stop', after: { signal: null } })
    await own?.recorder.flush().catch(() => undefined)
    // What the command left open has nobody to answer to any more.
    await own?.stop(250)
    await keeper?.close()
    // A running instance may be a few milliseconds behind with its rows.
    if (options.report !== undefined && own === undefined) await new Promise((resolve) => setTimeout(resolve, 250))
    if (options.report !== undefined) await options.report(reportOf(config.data.dir, since, own?.recorder.owner))
  }
}

/** A door of its own on any port, and none for redirected connections: several commands may run at once. */
function privateConfig(config: Config): Config {
  const listen = [{ host: '127.0.0.1', port: 0 }]
  return { ...config, workers: 1, proxy: { ...config.proxy, listen, transparent: [], auth: 'none' } }
}

function run(command: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Promise<number> {
  const [name, ...args] = command as [string, ...string[]]
  return new Promise((resolve, reject) => {
    const child = spawn(name, args, { stdio: 'inherit', env, cwd })
    const pass = (signal: NodeJS.Signals): void => void child.kill(signal)
    // The terminal sends ^C to the command as well; here it must only not end us before it.
    const ignore = (): void => undefined
    process
      .on('SIGTERM', pass)
      .on('SIGHUP', pass)
      .on('SIGINT', process.stdin.isTTY ? ignore : pass)
    const settle = (): void =>
      void process.off('SIGTERM', pass).off('SIGHUP', pass).off('SIGINT', pass).off('SIGINT', ignore)
    child.once('error', (cause: NodeJS.ErrnoException) => {
      settle()
      if (cause.code === 'ENOENT') resolve(127)
      else if (cause.code === 'EACCES') resolve(126)
      else reject(new SallyportError('internal_error', `cannot run ${name}: ${cause.code ?? cause.message}`, { cause }))
      process.stderr.write(
        `error: cannot run ${name}: ${cause.code === 'ENOENT' ? 'command not found' : (cause.code ?? cause.message)}\n`,
      )
    })
    child.once('exit', (code, signal) => {
      settle()
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}

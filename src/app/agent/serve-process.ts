import { spawn } from 'node:child_process'
import type { StdioOptions } from 'node:child_process'
import { AGENT_VARIABLE } from '../supervised.ts'
import type { FromServe, ToServe } from '../supervised.ts'
import type { Account } from './accounts.ts'

/** The doors, as a process of their own. */
export type ServeProcess = {
  readonly pid: number | undefined
  /** Resolves when the doors are open; never when it ends before. */
  readonly ready: Promise<void>
  /** Resolves with how it ended. */
  readonly ended: Promise<string>
  /** Resolves when it is there but serves nobody: it is silent, or no process of it takes connections. Not before it is ready. */
  readonly stuck: Promise<string>
  readonly signal: (signal: NodeJS.Signals) => void
  readonly tell: (message: ToServe) => void
  /** Ends it, with what is in flight finished in `graceMs`. */
  readonly stop: (graceMs: number) => Promise<void>
}

export type ServeOptions = {
  /** Arguments for Node: its own, the program, `serve`, and which configuration. */
  readonly command: readonly string[]
  readonly account: Pick<Account, 'name' | 'uid' | 'home'>
  readonly group: number
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly stdio?: 'inherit' | 'ignore'
  readonly silentMs?: number
  /** Called when what the doors are not ready for has changed. */
  readonly onReasons: (reasons: readonly string[]) => void
}

/** Starts the doors as a user, and in the group whose traffic is left alone. They end when this process does. */
export function startServe(options: ServeOptions): ServeProcess {
  const { account, group, stdio = 'inherit', silentMs = 15_000 } = options
  const stream: StdioOptions = ['ignore', stdio, stdio, 'ipc']
  const child = spawn(process.execPath, options.command, {
    cwd: options.cwd,
    env: environment(options),
    stdio: stream,
    uid: account.uid,
    gid: group,
    // A session of its own: ^C in the terminal is for the agent to act on, in its order.
    detached: true,
  })
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    child.once('exit', (code, signal) => resolve(signal ?? `exit status ${code}`))
  })
  const isReady = Promise.withResolvers<void>()
  const isStuck = Promise.withResolvers<string>()
  let silence: NodeJS.Timeout | undefined
  let told = ''
  const heard = (): void => {
    clearTimeout(silence)
    silence = setTimeout(
      () => {
        // We may have been stopped, or the whole machine: what it said, or says now, is heard first.
        silence = setTimeout(() => isStuck.resolve(`silent for ${silentMs / 1_000} s`), silentMs * LAST_PART)
      },
      silentMs * (1 - LAST_PART),
    )
  }
  child.on('message', (message: FromServe) => {
    heard()
    if (message.kind === 'ready') return isReady.resolve()
    if (!message.serving) isStuck.resolve('no process takes connections')
    if (message.reasons.join() === told) return
    told = message.reasons.join()
    options.onReasons(message.reasons)
  })
  void ended.then(() => clearTimeout(silence))
  const stop = async (graceMs: number): Promise<void> => {
    clearTimeout(silence)
    child.kill('SIGTERM')
    const kill = setTimeout(() => child.kill('SIGKILL'), graceMs + 10_000)
    await ended
    clearTimeout(kill)
  }
  return {
    pid: child.pid,
    ready: isReady.promise,
    ended,
    stuck: isStuck.promise,
    signal: (signal) => void child.kill(signal),
    tell: (message) => void (child.connected && child.send(message, () => undefined)),
    stop,
  }
}

/** Those of root that stand for root must not reach the user's process. */
function environment({ env, account }: ServeOptions): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('SUDO_'))
  return {
    ...Object.fromEntries(kept),
    HOME: account.home,
    USER: account.name,
    LOGNAME: account.name,
    [AGENT_VARIABLE]: '1',
  }
}

const LAST_PART = 0.2

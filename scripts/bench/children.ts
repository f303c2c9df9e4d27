import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { TestAuthority } from '../../test/support/authority.ts'
import type { Route } from './jobs.ts'

/** A proxy that runs, or the direct way, for which `pid` is null. */
export type Contestant = {
  readonly name: string
  readonly pid: number | null
  readonly route: Route
  readonly stop: () => Promise<void>
}

export type Setting = {
  readonly authority: TestAuthority
  readonly originPort: number
  /** Where the origin sends and takes plain bytes; its name is `bytesHost`. */
  readonly bytesPort: number
  /** Every name the client will ask for. */
  readonly hosts: readonly string[]
  /** A folder for a CPU profile of ours. */
  readonly profile?: string
}

export function contestant(name: string, child: ChildProcess | null, route: Route): Contestant {
  const stop = async () => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
    await ended
    clearTimeout(late)
  }
  return { name, pid: child?.pid ?? null, route, stop }
}

/** Starts a command on one core where the system can pin; its own output goes nowhere. */
export function startPinned(
  cores: number | string,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  ipc = false,
): ChildProcess {
  const pinned = process.platform === 'linux'
  const program = pinned ? 'taskset' : command
  const rest = pinned ? ['-c', String(cores), command, ...args] : args
  const quiet = process.env['BENCH_DEBUG'] === undefined ? 'ignore' : 'inherit'
  const child = spawn(program, rest, {
    env: { ...process.env, ...env },
    stdio: ['ignore', quiet, quiet, ...(ipc ? ['ipc' as const] : [])],
  })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  return child
}

/** Waits until something listens there. */
export async function untilListening(check: () => Promise<boolean>, child: ChildProcess, what: string): Promise<void> {
  for (let waited = 0; waited < 20_000; waited += 50) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${what} ended at once: try BENCH_DEBUG=1`)
    if (await check()) return
    await delay(50)
  }
  throw new Error(`${what} did not start: try BENCH_DEBUG=1`)
}

/** Plain bytes come from there. */
export const bytesHost = 'bytes.example'

/** A script of this folder as a child that speaks by IPC. */
export function startScript(core: number, file: string, args: readonly string[] = []): ChildProcess {
  const script = fileURLToPath(new URL(file, import.meta.url))
  return startPinned(core, process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], {}, true)
}

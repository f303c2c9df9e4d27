import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import type { TestAuthority } from '../../test/support/authority.ts'
import { installSallyport, type SallyportOptions } from '../../test/support/sallyport.ts'
import { tempFolder } from '../../test/support/temp.ts'
import { repository } from '../source-files.ts'
import type { Route } from './jobs.ts'
import { startMitmproxy, startSquid } from './native-peers.ts'

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
  /** Every name the client will ask for. */
  readonly hosts: readonly string[]
  /** A folder for a CPU profile of ours. */
  readonly profile?: string
}

export type Candidate = {
  readonly name: string
  /** Starts it on core 0; a text says why it cannot take part. */
  readonly start: (setting: Setting) => Promise<Contestant | string>
}

/** In the order in which they take turns. */
export const candidates: readonly Candidate[] = [
  {
    name: 'direct',
    start: async ({ authority, originPort }) =>
      contestant('direct', null, { proxyPort: null, targetPort: originPort, ca: authority.cert }),
  },
  { name: 'ours', start: (setting) => startOurs('ours', setting, {}) },
  {
    name: 'ours-tunnel',
    start: (setting) =>
      startOurs('ours-tunnel', setting, {
        '10-tunnel.yaml': { mode: 'enforce', intercept: [{ hosts: ['*'], action: 'tunnel' }] },
      }),
  },
  { name: 'bare', start: (setting) => startPeer('bare', setting) },
  { name: 'http-mitm-proxy', start: (setting) => startPeer('http-mitm-proxy', setting) },
  { name: 'mockttp', start: (setting) => startPeer('mockttp', setting) },
  { name: 'squid', start: startSquid },
  { name: 'mitmproxy', start: startMitmproxy },
]

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
  core: number,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  ipc = false,
): ChildProcess {
  const pinned = process.platform === 'linux'
  const program = pinned ? 'taskset' : command
  const rest = pinned ? ['-c', String(core), command, ...args] : args
  const quiet = process.env['BENCH_DEBUG'] === undefined ? 'ignore' : 'inherit'
  const child = spawn(program, rest, {
    env: { ...process.env, ...env },
    stdio: ['ignore', quiet, quiet, ...(ipc ? ['ipc' as const] : [])],
  })
  process.once('exit', () => child.kill('SIGKILL'))
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

async function startOurs(
  name: string,
  { authority, originPort, hosts, profile }: Setting,
  policies: Record<string, unknown>,
): Promise<Contestant> {
  const address = `127.0.0.1:${originPort}`
  const origins = Object.fromEntries(hosts.map((host) => [`${host}:443`, { address }]))
  const inspects = name === 'ours'
  const own = inspects
    ? {
        '05-bench.yaml': { intercept: [{ hosts: ['*.bench.example'], action: 'inspect' }] },
        '10-default.yaml': readFileSync(join(repository, 'policies/10-default.yaml'), 'utf8'),
      }
    : policies
  const options: SallyportOptions = {
    authority,
    origins,
    policies: own,
    config: { log: { level: 'warn', format: 'json' } },
  }
  const installation = await installSallyport(options)
  const profiling = inspects && profile !== undefined ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : []
  const child = startPinned(0, process.execPath, [
    ...profiling,
    '--disable-warning=ExperimentalWarning',
    'bin/sallyport.mjs',
    'serve',
    '-c',
    installation.file,
  ])
  const ready = async () =>
    (await fetch(`http://127.0.0.1:${installation.consolePort}/readyz`).catch(() => undefined))?.status === 200
  await untilListening(ready, child, 'sallyport serve')
  return contestant(name, child, {
    proxyPort: installation.proxyPort,
    targetPort: 443,
    ca: inspects ? installation.ca() : authority.cert,
  })
}

async function startPeer(name: string, { authority, originPort }: Setting): Promise<Contestant> {
  const folder = tempFolder('bench')
  const [caFile, originCa] = [join(folder, 'ca.pem'), join(folder, 'origins.pem')]
  const { writeFileSync } = await import('node:fs')
  writeFileSync(originCa, authority.cert)
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
  const args = [
    '--disable-warning=ExperimentalWarning',
    '--import',
    here('peers/loopback.ts'),
    here(`peers/${name}.ts`),
    caFile,
    folder,
    originCa,
  ]
  const child = startPinned(0, process.execPath, args, { NODE_EXTRA_CA_CERTS: originCa }, true)
  const [{ port }] = (await once(child, 'message', { signal: AbortSignal.timeout(20_000) })) as [{ port: number }]
  return contestant(name, child, { proxyPort: port, targetPort: originPort, ca: readFileSync(caFile, 'utf8') })
}

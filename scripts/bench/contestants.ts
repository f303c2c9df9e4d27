import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installSallyport, type Installation, type SallyportOptions } from '../../test/support/sallyport.ts'
import { tempFolder } from '../../test/support/temp.ts'
import { repository } from '../source-files.ts'
import {
  bytesHost,
  contestant,
  startPinned,
  startScript,
  untilListening,
  type Contestant,
  type Setting,
} from './children.ts'
import { startMitmproxy, startSquid } from './native-peers.ts'

export type Candidate = {
  readonly name: string
  /** Starts it on core 0; a text says why it cannot take part. */
  readonly start: (setting: Setting) => Promise<Contestant | string>
}

/** In the order in which they take turns. */
export const proxies: readonly Candidate[] = [
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
        policies: { '10-tunnel.yaml': { mode: 'enforce', intercept: [{ hosts: ['*'], action: 'tunnel' }] } },
      }),
  },
  { name: 'bare', start: (setting) => startPeer('bare', setting) },
  { name: 'http-mitm-proxy', start: (setting) => startPeer('http-mitm-proxy', setting) },
  { name: 'mockttp', start: (setting) => startPeer('mockttp', setting) },
  { name: 'squid', start: startSquid },
  { name: 'mitmproxy', start: startMitmproxy },
]

/** What the wire's cost is held against. */
export const wirePeers: readonly Candidate[] = [
  ...proxies.filter(({ name }) => ['direct', 'ours', 'ours-tunnel', 'bare'].includes(name)),
  {
    name: 'relay',
    start: async ({ authority, originPort }) => {
      const child = startScript(0, 'peers/relay.ts')
      return contestant('relay', child, { proxyPort: await portOf(child), targetPort: originPort, ca: authority.cert })
    },
  },
  {
    name: 'tls-server',
    start: async ({ authority, hosts }) => {
      const child = startScript(0, 'peers/tls-server.ts')
      child.send(authority.issue(hosts))
      return contestant('tls-server', child, { proxyPort: null, targetPort: await portOf(child), ca: authority.cert })
    },
  },
]

async function portOf(child: ChildProcess): Promise<number> {
  const [{ port }] = (await once(child, 'message', { signal: AbortSignal.timeout(20_000) })) as [{ port: number }]
  return port
}

export type OursOptions = {
  /** Without them it inspects. */
  readonly policies?: Readonly<Record<string, unknown>>
  readonly config?: Readonly<Record<string, unknown>>
  /** For taskset; core 0 by default. */
  readonly cores?: string
  /** Before it starts. */
  readonly prepare?: (installation: Installation) => void
}

export async function startOurs(
  name: string,
  { authority, originPort, bytesPort, hosts, profile }: Setting,
  { policies, config = {}, cores = '0', prepare }: OursOptions,
): Promise<Contestant> {
  const address = `127.0.0.1:${originPort}`
  const origins = {
    ...Object.fromEntries(hosts.map((host) => [`${host}:443`, { address }])),
    [`${bytesHost}:443`]: { address: `127.0.0.1:${bytesPort}` },
  }
  const options: SallyportOptions = {
    authority,
    origins,
    policies: policies ?? inspecting(),
    config: { log: { level: 'warn', format: 'json' }, limits: { connections: 50_000 }, ...config },
  }
  const installation = await installSallyport(options)
  prepare?.(installation)
  const inspects = policies === undefined
  const profiling = profile !== undefined ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : []
  const child = startPinned(cores, process.execPath, [
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

function inspecting(): Record<string, unknown> {
  return {
    '05-bench.yaml': { intercept: [{ hosts: ['*.bench.example'], action: 'inspect' }] },
    '10-default.yaml': readFileSync(join(repository, 'policies/10-default.yaml'), 'utf8'),
  }
}

async function startPeer(name: string, { authority, originPort }: Setting): Promise<Contestant> {
  const folder = tempFolder('bench')
  const [caFile, originCa] = [join(folder, 'ca.pem'), join(folder, 'origins.pem')]
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
  const port = await portOf(child)
  return contestant(name, child, { proxyPort: port, targetPort: originPort, ca: readFileSync(caFile, 'utf8') })
}

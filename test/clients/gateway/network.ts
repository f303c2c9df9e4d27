import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { tempFolder } from '../../support/temp.ts'

/** Public addresses, so that nothing but names and rules decides about them. */
export const at = {
  openai: { ipv4: '1.2.3.4', ipv6: '2606:4700::1234' },
  other: { ipv4: '1.2.3.5', ipv6: '2606:4700::1235' },
  /** Answers raw bytes, whatever the port. */
  raw: '1.2.3.6',
  gateway: '192.168.7.1',
  laptop: { ipv4: '192.168.7.2', ipv6: 'fd00:7::2' },
} as const
export const names = { inspected: 'api.openai.com', other: 'www.example.test' } as const

export type Said = { readonly status: number | null; readonly stdout: string; readonly stderr: string }

/** Another machine than this: a network namespace, and what is run in it. */
export type Machine = {
  readonly start: (command: readonly string[], env?: Readonly<Record<string, string>>) => ChildProcess
  readonly run: (command: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Said>
}

export type Network = {
  /** Behind the gateway. */
  readonly laptop: Machine
  /** In front of it, with the origins on all of `at`. */
  readonly internet: Machine
  /** On the gateway itself. */
  readonly here: Machine
  /** Has nft take these rules; those before are gone. */
  readonly rules: (text: string) => void
}

/** Makes this process a gateway between a laptop and the internet: it has to be in namespaces of its own for network and mounts. */
export async function startNetwork(): Promise<Network> {
  const hosts = join(tempFolder('gateway'), 'hosts')
  const lines = [
    ['127.0.0.1', 'localhost'],
    [at.openai.ipv4, names.inspected],
    [at.openai.ipv6, names.inspected],
    [at.other.ipv4, names.other],
    [at.other.ipv6, names.other],
  ]
  writeFileSync(hosts, lines.map((line) => `${line.join(' ')}\n`).join(''))
  must('mount', '--bind', hosts, '/etc/hosts')
  const laptop = await machine('lan0', ['192.168.7.1/24', 'fd00:7::1/64'], ['192.168.7.2/24', 'fd00:7::2/64'])
  const internet = await machine('wan0', ['1.0.0.1/8', '2606::1/16'], ['1.2.3.4/8', '2606:4700::1234/16'])
  for (const address of ['1.2.3.5/8', '1.2.3.6/8', '2606:4700::1235/16'])
    internet.ip(`addr add ${address} dev eth0${nodad(address)}`)
  laptop.ip(`route add default via ${at.gateway}`)
  laptop.ip('route add default via fd00:7::1')
  must('ip', 'link', 'set', 'lo', 'up')
  for (const path of ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']) must('sysctl', '-qw', path)
  return {
    laptop,
    internet,
    here: machineBy([]),
    rules: (text) => must('nft', '-f', '-', `flush ruleset\n${text}`),
  }
}

export const must = (command: string, ...args: readonly string[]): string => {
  const input = args.at(-1)?.includes('\n') === true ? args.at(-1) : undefined
  const done = spawnSync(command, input === undefined ? args : args.slice(0, -1), {
    encoding: 'utf8',
    timeout: 30_000,
    input,
  })
  if (done.status === 0) return done.stdout
  throw new Error(`${command} ${args.join(' ')}: ${done.error?.message ?? done.stderr}`)
}

/** A machine at the other end of a new link. */
async function machine(link: string, ours: readonly string[], its: readonly string[]) {
  const holder = spawn('unshare', ['-n', 'sleep', 'infinity'], { stdio: 'ignore' })
  process.once('exit', () => holder.kill('SIGKILL'))
  const pid = holder.pid as number
  while (namespaceOf(pid) === namespaceOf(process.pid)) await sleep(10)
  const inside = ['nsenter', '-t', String(pid), '-n']
  must('ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid))
  const ip = (line: string): void => void must('nsenter', ...inside.slice(1), 'ip', ...line.split(' '))
  for (const address of ours) must('ip', ...`addr add ${address} dev ${link}${nodad(address)}`.split(' '))
  for (const address of its) ip(`addr add ${address} dev eth0${nodad(address)}`)
  must('ip', 'link', 'set', link, 'up')
  for (const device of ['lo', 'eth0']) ip(`link set ${device} up`)
  return { ...machineBy(inside), ip }
}

function machineBy(inside: readonly string[]): Machine {
  const start: Machine['start'] = (command, env = {}) => {
    const [name = '', ...args] = [...inside, ...command]
    return spawn(name, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, timeout: 60_000 })
  }
  return {
    start,
    async run(command, env) {
      const child = start(command, env)
      let [stdout, stderr] = ['', '']
      child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
      child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
      const [status] = (await once(child, 'close')) as [number | null]
      return { status, stdout, stderr }
    },
  }
}

const namespaceOf = (pid: number): string => readlinkSync(`/proc/${pid}/ns/net`)
// A second of duplicate address detection is a second in which nothing answers.
const nodad = (address: string): string => (address.includes(':') ? ' nodad' : '')
export const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

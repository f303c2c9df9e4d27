import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Who runs a command: a user, in a group; root by default. */
export type User = { readonly uid: number; readonly gid: number }

export type Said = { readonly status: number | null; readonly stdout: string; readonly stderr: string }

/** A machine in a network namespace of its own, behind the one that this process is in: that is its internet. */
export type Laptop = {
  readonly start: (command: readonly string[], options?: { user?: User; cwd?: string }) => ChildProcess
  readonly run: (command: readonly string[], options?: { user?: User; cwd?: string }) => Promise<Said>
  /** The whole rule set as nft lists it. */
  readonly rules: () => string
  readonly close: () => void
}

/** Addresses of the internet: public ones, so that nothing but the rules decides about them, and one of the laptop's own network. */
export const internet = { ipv4: '1.2.3.4', ipv6: '2606:4700::1234', near: '10.9.0.1' } as const

/** Makes the laptop; this process must be in an empty network namespace. */
export async function startLaptop(): Promise<Laptop> {
  const holder = spawn('unshare', ['-n', 'sleep', 'infinity'], { stdio: 'ignore' })
  const close = (): void => void holder.kill('SIGKILL')
  process.once('exit', close)
  const pid = holder.pid as number
  while (namespaceOf(pid) === namespaceOf(process.pid)) await sleep(10)
  const inside = ['nsenter', '-t', String(pid), '-n']
  const ip = (...args: string[]) => must('ip', ...args)
  ip('link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far', 'netns', String(pid))
  for (const address of [`${internet.near}/24`, 'fd00:9::1/64'])
    ip('addr', 'add', address, 'dev', 'near', ...nodad(address))
  for (const address of [`${internet.ipv4}/32`, `${internet.ipv6}/128`])
    ip('addr', 'add', address, 'dev', 'lo', ...nodad(address))
  for (const device of ['lo', 'near']) ip('link', 'set', device, 'up')
  for (const line of [
    'addr add 10.9.0.2/24 dev far',
    'addr add fd00:9::2/64 dev far nodad',
    'link set lo up',
    'link set far up',
    `route add default via ${internet.near}`,
    'route add default via fd00:9::1',
  ])
    must(...inside, 'ip', ...line.split(' '))
  const start: Laptop['start'] = (command, { user, cwd } = {}) => {
    const as = user === undefined ? [] : ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups']
    const [name = '', ...args] = [...inside, ...as, ...command]
    return spawn(name, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(cwd === undefined ? {} : { cwd }) })
  }
  return {
    start,
    run: async (command, options) => heard(start(['timeout', '90', ...command], options)),
    rules: () => must(...inside, 'nft', 'list', 'ruleset'),
    close,
  }
}

const namespaceOf = (pid: number): string => readlinkSync(`/proc/${pid}/ns/net`)

// A second of duplicate address detection is a second in which nothing answers.
const nodad = (address: string): string[] => (address.includes(':') ? ['nodad'] : [])

async function heard(child: ChildProcess): Promise<Said> {
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, stdout, stderr }
}

function must(...command: string[]): string {
  const [name = '', ...args] = command
  const done = spawnSync(name, args, { encoding: 'utf8', timeout: 30_000 })
  if (done.status === 0) return done.stdout
  throw new Error(`${command.join(' ')}: ${done.error?.message ?? done.stderr}`)
}

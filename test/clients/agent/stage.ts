import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { testAuthority } from '../../support/authority.ts'
import { fakeProviders } from '../../support/fake-providers.ts'
import { startOrigin } from '../../support/origin.ts'
import type { Origin } from '../../support/origin.ts'
import { installSallyport } from '../../support/sallyport.ts'
import type { Installation } from '../../support/sallyport.ts'
import { tempFolder } from '../../support/temp.ts'
import { startInternet } from './internet.ts'
import { internet, startLaptop } from './laptop.ts'
import type { Laptop, Said, User } from './laptop.ts'

/** What the steps of the scenario work with. */
export type Stage = {
  readonly laptop: Laptop
  readonly origin: Origin
  readonly plain: Origin
  readonly installation: Installation
  /** Files that the users of the laptop may read: the origins' authority, and ours once it is there. */
  readonly trust: { readonly origins: string; readonly ours: () => string }
}

export type Agent = { readonly child: ChildProcess; readonly log: () => string }
export type Status = {
  readonly pid: number
  readonly redirecting: boolean
  readonly phase: string
  readonly group: number
  readonly serve: { readonly pid: number; readonly restarts: number }
}

export const up = (stage: Stage, ...flags: readonly string[]): Promise<Agent> => upWith(stage, [], flags)

export async function upWith(stage: Stage, rights: readonly string[], flags: readonly string[]): Promise<Agent> {
  const { laptop, installation } = stage
  const command = [...rights, ...sallyport('agent', 'up', '-c', installation.file, ...flags)]
  const child = laptop.start(command, { cwd: installation.dir })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (log += chunk.toString()))
  process.once('exit', () => child.kill('SIGKILL'))
  await until(async () => {
    assert.equal(child.exitCode, null, log)
    return log.includes('traffic is redirected')
  })
  return { child, log: () => log }
}

/** SIGTERM: it ends with 0, and nothing is left of it. */
export async function stop({ laptop }: Stage, agent: Agent): Promise<void> {
  await end(agent)
  assert.equal(laptop.rules(), '')
}

export async function end({ child, log }: Agent): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  assert.deepEqual(await exited, [0, null], log())
}

/** Waits until there is no table, and the captured user reaches the origin itself. */
export async function untilOpen(stage: Stage): Promise<void> {
  await until(async () => stage.laptop.rules() === '')
  // It may be redirected again before there is an answer: then the certificate is another.
  const said = await ask(stage, nobody, internet.ipv4, stage.trust.origins)
  assert.ok([0, 60].includes(said.status ?? -1), said.stderr)
}

export async function isInspected(stage: Stage, user: User | undefined = nobody): Promise<void> {
  const { origin, trust } = stage
  const said = await ask(stage, user, internet.ipv4, trust.ours())
  assert.match(said.stdout, new RegExp(`please use ${secret}`), said.stderr)
  assert.ok(!origin.seen.at(-1)?.text().includes(secret))
}

export function ask({ laptop }: Stage, user: User | undefined, address: string, ca: string): Promise<Said> {
  const body = JSON.stringify({ model: 'gpt-5.1', messages: [{ role: 'user', content: `please use ${secret}` }] })
  const to = ['--resolve', `${host}:443:${address}`, `https://${host}/v1/chat/completions`]
  return curl(laptop, user, ['--cacert', ca, '-H', 'content-type: application/json', '-d', body, ...to])
}

export function curl(laptop: Laptop, user: User | undefined, args: readonly string[]): Promise<Said> {
  return laptop.run(['curl', '-sS', '--max-time', '60', ...args], user === undefined ? {} : { user })
}

export async function status(stage: Stage): Promise<Status> {
  return JSON.parse((await cli(stage, 'agent', 'status', '--json')).stdout) as Status
}

export const cli = ({ laptop, installation }: Stage, ...args: readonly string[]): Promise<Said> =>
  laptop.run(sallyport(...args), { cwd: installation.dir })

export const sallyport = (...args: readonly string[]): string[] => [process.execPath, program, ...args]

export async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 90_000
  while (!(await holds())) {
    assert.ok(Date.now() < end, `never: ${String(holds)}`)
    await sleep(50)
  }
}

export async function startStage(): Promise<Stage> {
  const authority = testAuthority()
  const origin = await startOrigin(fakeProviders({}), { authority, names: [host] })
  const plain = await startOrigin(fakeProviders({}))
  const laptop = await startLaptop()
  await startInternet(origin, plain)
  const installation = await installSallyport({
    authority,
    origins: {
      [`${host}:443`]: { address: `${internet.ipv4}:443` },
      'plain.example:80': { address: `${internet.ipv4}:80` },
    },
  })
  for (const path of [
    installation.dir,
    ...readdirSync(installation.dir, { recursive: true, encoding: 'utf8' }).map((name) => join(installation.dir, name)),
  ])
    chownSync(path, daemon.uid, daemon.gid)
  chmodSync(installation.dir, 0o755)
  const open = tempFolder('trust')
  chmodSync(open, 0o755)
  const copy = (name: string, from: string): string => {
    copyFileSync(from, join(open, name))
    return join(open, name)
  }
  const trust = {
    origins: copy('origins.pem', join(installation.dir, 'origins.pem')),
    ours: () => copy('ours.pem', join(installation.dir, 'certs', 'ca.pem')),
  }
  return { laptop, origin, plain, installation, trust }
}

export const host = 'api.openai.com'
export const nobody: User = { uid: 65_534, gid: 65_534 }
export const root: User = { uid: 0, gid: 0 }
export const daemon: User = { uid: 1, gid: 1 }
// Made up, in the shape of an AWS access key.
export const secret = 'AKIAZK3QXW5TN7RBJ2VD'
const program = fileURLToPath(new URL('../../../src/main.ts', import.meta.url))

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chmodSync, chownSync, copyFileSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { testAuthority } from '../../support/authority.ts'
import { fakeProviders } from '../../support/fake-providers.ts'
import { startOrigin } from '../../support/origin.ts'
import type { Origin } from '../../support/origin.ts'
import { runs } from '../../support/program-processes.ts'
import { installSallyport } from '../../support/sallyport.ts'
import type { Installation } from '../../support/sallyport.ts'
import { tempFolder } from '../../support/temp.ts'
import { internet, startLaptop } from './laptop.ts'
import type { Laptop, Said, User } from './laptop.ts'

/** What the steps of the scenario work with. */
type Stage = {
  readonly laptop: Laptop
  readonly origin: Origin
  readonly plain: Origin
  readonly installation: Installation
  /** Files that the users of the laptop may read: the origins' authority, and ours once it is there. */
  readonly trust: { readonly origins: string; readonly ours: () => string }
}

type Agent = { readonly child: ChildProcess; readonly log: () => string }
type Status = {
  readonly pid: number
  readonly redirecting: boolean
  readonly phase: string
  readonly serve: { readonly pid: number; readonly restarts: number }
}

const steps: readonly { readonly name: string; readonly run: (stage: Stage) => Promise<void> }[] = [
  { name: 'who is captured is inspected, over IPv4 and IPv6, TLS and plain, and nobody else is', run: captured },
  {
    name: 'QUIC is refused as a closed port is; names, other users and private networks are left alone',
    run: leftAlone,
  },
  { name: 'kill -9 of nft: the network works, and the redirection comes back', run: nftKilled },
  { name: 'kill -9 of the doors: the network works, and the redirection comes back', run: doorsKilled },
  { name: 'doors that hang: the network works, and the redirection comes back', run: doorsHang },
  { name: 'kill -9 of the agent: the network works, and nothing is left behind', run: agentKilled },
  { name: 'the doors may run as the user whose traffic is redirected', run: sameUser },
  { name: 'the whole machine, except some', run: machine },
  { name: 'down ends it in the background, and what is in flight finishes', run: down },
  { name: 'what cannot begin says why, and leaves nothing behind', run: refusals },
]

async function captured(stage: Stage): Promise<void> {
  const { laptop, origin, plain, installation, trust } = stage
  const agent = await up(stage, '--user', 'nobody', '--as', 'daemon')
  for (const address of [internet.ipv4, `[${internet.ipv6}]`]) {
    const said = await ask(stage, nobody, address, trust.ours())
    assert.match(said.stdout, new RegExp(`please use ${secret}`), said.stderr)
  }
  assert.equal(origin.seen.length, 2)
  assert.ok(origin.seen.every((seen) => !seen.text().includes(secret) && seen.text().includes('please use')))
  const http = await curl(laptop, nobody, ['--resolve', `plain.example:80:${internet.ipv4}`, 'http://plain.example/x'])
  assert.match(http.stdout, /no such path/, http.stderr)
  assert.equal(plain.seen.length, 1)
  // Root's traffic goes its own way: it meets the origin's certificate and the origin the secret.
  const other = await ask(stage, undefined, internet.ipv4, trust.origins)
  assert.match(other.stdout, /please use/, other.stderr)
  assert.ok(origin.seen.at(-1)?.text().includes(secret))
  assert.equal(installation.rows('exchanges').filter(({ provider }) => provider === 'openai').length, 2)
  await stop(stage, agent)
}

async function leftAlone(stage: Stage): Promise<void> {
  const { laptop, trust } = stage
  const agent = await up(stage, '--user', 'nobody', '--as', 'daemon')
  const near = await ask(stage, nobody, internet.near, trust.origins)
  assert.match(near.stdout, /please use/, near.stderr)
  const udp = (address: string, port: number, user: User | undefined) =>
    laptop.run([process.execPath, '-e', udpScript, address, String(port)], user === undefined ? {} : { user })
  for (const address of [internet.ipv4, internet.ipv6]) {
    assert.equal((await udp(address, 443, nobody)).stdout, 'ECONNREFUSED')
    assert.equal((await udp(address, 443, undefined)).stdout, 'echo hello')
    assert.equal((await udp(address, 53, nobody)).stdout, 'echo hello')
  }
  assert.equal((await udp(internet.near, 443, nobody)).stdout, 'echo hello')
  await stop(stage, agent)
}

async function nftKilled(stage: Stage): Promise<void> {
  const agent = await up(stage, '--user', 'nobody', '--as', 'daemon')
  const [, nft] = /"nft":(\d+)/.exec(agent.log()) ?? []
  process.kill(Number(nft), 'SIGKILL')
  await untilOpen(stage)
  await until(async () => /"nft":(\d+)[^]*"nft":(\d+)/.test(agent.log()))
  await isInspected(stage)
  await stop(stage, agent)
}

async function doorsKilled(stage: Stage): Promise<void> {
  const agent = await up(stage, '--user', 'nobody', '--as', 'daemon')
  const { serve } = await status(stage)
  process.kill(serve.pid, 'SIGKILL')
  await untilOpen(stage)
  await until(async () => (await status(stage)).redirecting)
  const after = await status(stage)
  assert.deepEqual([after.serve.restarts, after.serve.pid !== serve.pid], [1, true])
  await isInspected(stage)
  await stop(stage, agent)
}

async function doorsHang(stage: Stage): Promise<void> {
  const agent = await up(stage, '--user', 'nobody', '--as', 'daemon')
  const { serve } = await status(stage)
  process.kill(serve.pid, 'SIGSTOP')
  await untilOpen(stage)
  await until(async () => (await status(stage)).redirecting)
  assert.ok(!runs(serve.pid))
  await isInspected(stage)
  await stop(stage, agent)
}

async function agentKilled(stage: Stage): Promise<void> {
  const agent = await up(stage, '--user', 'nobody', '--as', 'daemon')
  const { serve } = await status(stage)
  agent.child.kill('SIGKILL')
  await untilOpen(stage)
  await until(async () => !runs(serve.pid))
  const said = await cli(stage, 'agent', 'status')
  assert.deepEqual([said.status, said.stdout], [1, 'no agent runs\n'])
  assert.equal(stage.laptop.rules(), '')
}

async function sameUser(stage: Stage): Promise<void> {
  const agent = await up(stage, '--user', 'daemon', '--as', 'daemon')
  await isInspected(stage, daemon)
  await stop(stage, agent)
}

async function machine(stage: Stage): Promise<void> {
  const agent = await up(stage, '--machine', '--except', 'nobody', '--as', 'daemon')
  await isInspected(stage, root)
  await isInspected(stage, daemon)
  const said = await ask(stage, nobody, internet.ipv4, stage.trust.origins)
  assert.equal(said.status, 0, said.stderr)
  await stop(stage, agent)
}

async function down(stage: Stage): Promise<void> {
  const { laptop, origin, installation, trust } = stage
  const args = ['agent', 'up', '-c', installation.file, '--user', 'nobody', '--as', 'daemon', '--detach']
  const started = await laptop.run(sallyport(...args), { cwd: installation.dir })
  assert.match(started.stdout, /traffic is redirected by process \d+/, started.stderr)
  const [, logFile = ''] = /^log: (.+)$/m.exec(started.stdout) ?? []
  const second = await cli(stage, 'agent', 'up', '-c', installation.file, '--user', 'nobody', '--as', 'daemon')
  assert.deepEqual([second.status, second.stderr.split('\n')[0]], [1, 'error: an agent runs already'])
  let finish = (): void => {}
  const finished = new Promise<void>((resolve) => (finish = resolve))
  origin.answer(async (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' })
    response.write('begun ')
    await finished
    response.end('done')
  })
  const before = origin.seen.length
  const flight = ask(stage, nobody, internet.ipv4, trust.ours())
  await until(async () => origin.seen.length > before)
  const ended = cli(stage, 'agent', 'down')
  // Nothing new is redirected while what is in flight goes on.
  await until(async () => (await status(stage)).phase === 'stopping')
  assert.equal((await status(stage)).redirecting, false)
  finish()
  const [said, { stdout }] = await Promise.all([flight, ended])
  assert.deepEqual([said.stdout, stdout], ['begun done', 'nothing is redirected any more\n'], said.stderr)
  assert.equal(laptop.rules(), '')
  assert.match(readFileSync(logFile, 'utf8'), /traffic is no longer redirected/)
  rmSync(logFile)
  origin.answer(fakeProviders({}))
  assert.equal((await cli(stage, 'agent', 'down')).stdout, 'no agent runs\n')
}

async function refusals(stage: Stage): Promise<void> {
  const { laptop, installation } = stage
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [['--user', 'no-such-user', '--as', 'daemon'], /^error: there is no user no-such-user\nhint: /],
    [['--as', 'daemon'], /^error: nothing says whose traffic is redirected\nhint: Say --user NAME/],
    [['--user', 'nobody', '--as', 'nobody'], /^error: the doors did not open: exit status 1$/m],
  ]
  for (const [flags, error] of wrong) {
    const said = await cli(stage, 'agent', 'up', '-c', installation.file, ...flags)
    assert.match(said.stderr, error)
    assert.equal(said.status, 1)
    assert.equal(laptop.rules(), '')
  }
  const mortal = await laptop.run(sallyport('agent', 'up', '--user', 'nobody'), { user: nobody })
  assert.match(mortal.stderr, /^error: only root may redirect traffic\nhint: /)
}

async function up(stage: Stage, ...flags: readonly string[]): Promise<Agent> {
  const { laptop, installation } = stage
  const child = laptop.start(sallyport('agent', 'up', '-c', installation.file, ...flags), { cwd: installation.dir })
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
async function stop({ laptop }: Stage, { child, log }: Agent): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  assert.deepEqual(await exited, [0, null], log())
  assert.equal(laptop.rules(), '')
}

/** Waits until there is no table, and the captured user reaches the origin itself. */
async function untilOpen(stage: Stage): Promise<void> {
  await until(async () => stage.laptop.rules() === '')
  // It may be redirected again before there is an answer: then the certificate is another.
  const said = await ask(stage, nobody, internet.ipv4, stage.trust.origins)
  assert.ok([0, 60].includes(said.status ?? -1), said.stderr)
}

async function isInspected(stage: Stage, user: User | undefined = nobody): Promise<void> {
  const { origin, trust } = stage
  const said = await ask(stage, user, internet.ipv4, trust.ours())
  assert.match(said.stdout, new RegExp(`please use ${secret}`), said.stderr)
  assert.ok(!origin.seen.at(-1)?.text().includes(secret))
}

function ask({ laptop }: Stage, user: User | undefined, address: string, ca: string): Promise<Said> {
  const body = JSON.stringify({ model: 'gpt-5.1', messages: [{ role: 'user', content: `please use ${secret}` }] })
  const to = ['--resolve', `${host}:443:${address}`, `https://${host}/v1/chat/completions`]
  return curl(laptop, user, ['--cacert', ca, '-H', 'content-type: application/json', '-d', body, ...to])
}

function curl(laptop: Laptop, user: User | undefined, args: readonly string[]): Promise<Said> {
  return laptop.run(['curl', '-sS', '--max-time', '60', ...args], user === undefined ? {} : { user })
}

async function status(stage: Stage): Promise<Status> {
  return JSON.parse((await cli(stage, 'agent', 'status', '--json')).stdout) as Status
}

const cli = ({ laptop, installation }: Stage, ...args: readonly string[]): Promise<Said> =>
  laptop.run(sallyport(...args), { cwd: installation.dir })

const sallyport = (...args: readonly string[]): string[] => [process.execPath, program, ...args]

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 90_000
  while (!(await holds())) {
    assert.ok(Date.now() < end, `never: ${String(holds)}`)
    await sleep(50)
  }
}

/** The ports of the internet: TLS and plain origins, and an echo on UDP. */
async function startInternet(tls: Origin, plain: Origin): Promise<void> {
  for (const at of ['0.0.0.0', '::']) {
    for (const [port, to] of [
      [443, tls.port],
      [80, plain.port],
    ] as const) {
      const server = createServer((socket) => {
        const on = connect(to, '127.0.0.1')
        for (const end of [socket, on]) end.on('error', () => socket.destroy() && on.destroy())
        socket.pipe(on).pipe(socket)
      })
      await once(server.listen({ host: at, port, ipv6Only: true }), 'listening')
    }
  }
  // Bound to each address: an answer from another than was asked is not heard.
  for (const address of Object.values(internet)) {
    for (const port of [53, 443]) {
      const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
      socket.on('message', (message, from) => socket.send(`echo ${message.toString()}`, from.port, from.address))
      await once(socket.bind(port, address), 'listening')
    }
  }
}

async function stageOf(origin: Origin, plain: Origin): Promise<Stage> {
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

const host = 'api.openai.com'
const nobody: User = { uid: 65_534, gid: 65_534 }
const root: User = { uid: 0, gid: 0 }
const daemon: User = { uid: 1, gid: 1 }
// Made up, in the shape of an AWS access key.
const secret = 'AKIAZK3QXW5TN7RBJ2VD'
const program = fileURLToPath(new URL('../../../src/main.ts', import.meta.url))
const udpScript = `
const [address, port] = process.argv.slice(1)
const socket = require('node:dgram').createSocket(address.includes(':') ? 'udp6' : 'udp4')
const say = (text) => { process.stdout.write(text); process.exit() }
socket.on('message', (message) => say(message.toString())).on('error', (error) => say(error.code))
socket.connect(Number(port), address, () => setInterval(() => socket.send('hello', (error) => error && say(error.code)), 100))
`

const authority = testAuthority()
await using origin = await startOrigin(fakeProviders({}), { authority, names: [host] })
await using plain = await startOrigin(fakeProviders({}))
const stage = await stageOf(origin, plain)
const wanted = process.argv.slice(2)
for (const { name, run } of steps.filter(
  ({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
)) {
  const began = Date.now()
  await run(stage).catch((cause: unknown) => {
    console.error(`failed: ${name}\n`, cause)
    process.exit(1)
  })
  console.log(`ok: ${name} (${Date.now() - began} ms)`)
}
process.exit(0)

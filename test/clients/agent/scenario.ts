import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fakeProviders } from '../../support/fake-providers.ts'
import { runs } from '../../support/program-processes.ts'
import { tempFolder } from '../../support/temp.ts'
import { internet } from './laptop.ts'
import type { User } from './laptop.ts'
import {
  ask,
  cli,
  curl,
  daemon,
  end,
  isInspected,
  nobody,
  root,
  sallyport,
  secret,
  startStage,
  status,
  stop,
  until,
  untilOpen,
  up,
  upWith,
} from './stage.ts'
import type { Stage } from './stage.ts'

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
  { name: 'no more rights than the systemd unit gives are needed', run: fewRights },
  { name: 'with the table of the guide there is no way round when nothing is redirected', run: noWayRound },
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
  await isAttributed(stage)
  await stop(stage, agent)
  const acts = installation.rows('events').map(({ what, after }) => [what, JSON.parse(String(after)) as unknown])
  assert.deepEqual(
    acts.filter(([what]) => String(what).startsWith('redirect.')),
    [
      ['redirect.start', { users: ['nobody'], listeners: ['127.0.0.1:3129', '[::1]:3129'], group: 60_706 }],
      ['redirect.stop', { why: 'told to stop' }],
    ],
  )
}

/** The doors may not look into the processes of others: the agent tells them, but nothing waits for long until it does. */
async function isAttributed(stage: Stage): Promise<void> {
  const before = stage.installation.rows('exchanges').length
  await until(async () => {
    await isInspected(stage)
    return stage.installation
      .rows('exchanges')
      .slice(before)
      .some((row) => String(row['process']).endsWith('/curl'))
  })
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
  await until(async () => stage.laptop.rules() === '')
  assert.equal((await ask(stage, nobody, internet.ipv4, stage.trust.origins)).status, 0)
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

async function fewRights(stage: Stage): Promise<void> {
  const unit = readFileSync(new URL('../../../systemd/sallyport-agent.service', import.meta.url), 'utf8')
  const names = [...unit.matchAll(/^CapabilityBoundingSet=(.*)$/gm)].flatMap(([, some = '']) => some.split(' '))
  const bounds = names.map((name) => name.replace(/^CAP_/, '+').toLowerCase())
  const rights = ['setpriv', `--bounding-set=-all,${bounds.join()}`, '--no-new-privs']
  const agent = await upWith(stage, rights, ['--user', 'nobody', '--as', 'daemon'])
  await isAttributed(stage)
  const { serve } = await status(stage)
  const [, held] = /^CapPrm:\s+(\w+)$/m.exec(readFileSync(`/proc/${serve.pid}/status`, 'utf8')) ?? []
  assert.equal(Number(held), 0)
  await stop(stage, agent)
}

async function noWayRound(stage: Stage): Promise<void> {
  const { laptop, trust } = stage
  const guide = readFileSync(new URL('../../../docs/guides/endpoint.md', import.meta.url), 'utf8')
  const [table = ''] = /^table inet no_way_round \{$[^]*?^\}$/m.exec(guide) ?? []
  const agent = await up(stage, '--user', 'nobody', '--as', 'daemon')
  const { group } = await status(stage)
  const file = join(tempFolder('table'), 'rules')
  writeFileSync(file, table.replace('1000', String(nobody.uid)).replace('"sallyport"', String(group)))
  assert.equal((await laptop.run(['nft', '-f', file])).status, 0)
  await isInspected(stage)
  await end(agent)
  assert.match((await ask(stage, nobody, internet.ipv4, trust.origins)).stderr, /^curl: \(7\)/)
  assert.equal((await ask(stage, root, internet.ipv4, trust.origins)).status, 0)
  await laptop.run(['nft', 'delete', 'table', 'inet', 'no_way_round'])
  assert.equal((await ask(stage, nobody, internet.ipv4, trust.origins)).status, 0)
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

const udpScript = `
const [address, port] = process.argv.slice(1)
const socket = require('node:dgram').createSocket(address.includes(':') ? 'udp6' : 'udp4')
const say = (text) => { process.stdout.write(text); process.exit() }
socket.on('message', (message) => say(message.toString())).on('error', (error) => say(error.code))
socket.connect(Number(port), address, () => setInterval(() => socket.send('hello', (error) => error && say(error.code)), 100))
`

const stage = await startStage()
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

import { fork, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { testAuthority } from '../test/support/authority.ts'
import { startSallyport, type Sallyport } from '../test/support/sallyport.ts'
import { processCost } from './bench/process-cost.ts'
import { figure, median, table } from './bench/report.ts'
import type { ClientJob, ClientReport } from './soak/clients.ts'
import { bytesHost, faultyHost, host, pause, plainHost } from './soak/scenario.ts'
import { openSockets } from './soak/sockets.ts'

/** `npm run soak [-- --minutes 10 --seed N --at 24]`: everything at once, with faults from both sides; ends by itself. */
async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { minutes: { type: 'string' }, seed: { type: 'string' }, at: { type: 'string' } },
  })
  const ms = Number(values.minutes ?? 10) * 60_000
  const seed = Number(values.seed ?? randomInt(1_000_000))
  if (!(ms > 0) || !Number.isInteger(seed)) throw new Error('--minutes and --seed take numbers')
  console.log(`soak: ${figure(ms / 60_000)} minutes, seed ${seed}`)
  const authority = testAuthority('Soak origins')
  const origin = startChild('origin.ts')
  const clients = startChild('clients.ts')
  origin.send({ identity: authority.issue([host, faultyHost]) })
  const { ports } = await answerOf<{ ports: Record<'tls' | 'plain' | 'bytes', number> }>(origin, 30_000)
  const sallyport = await startSallyport({
    authority,
    origins: {
      [`${host}:443`]: { address: `127.0.0.1:${ports.tls}` },
      [`${faultyHost}:443`]: { address: `127.0.0.1:${ports.tls}` },
      [`${plainHost}:80`]: { address: `127.0.0.1:${ports.plain}` },
      [`${bytesHost}:443`]: { address: `127.0.0.1:${ports.bytes}` },
    },
    policies: { '10-soak.yaml': policy },
    // A client that has half-closed may still want its answer: silence has to end some time.
    config: { upstream: { headersTimeoutMs: 5_000, idleTimeoutMs: 20_000 } },
  })
  try {
    const memory = watchMemory(sallyport.child.pid as number)
    const job: ClientJob = { proxyPort: sallyport.proxyPort, ca: sallyport.ca(), seed, ms, at: Number(values.at ?? 24) }
    clients.send(job)
    const { report } = await answerOf<{ report: ClientReport }>(clients, ms + 90_000)
    clients.kill('SIGKILL')
    const rss = memory.stop()
    origin.send({})
    const saw = await answerOf<{ seen: string[]; leaks: number }>(origin, 30_000)
    return await conclude(sallyport, report, saw, rss)
  } finally {
    clients.kill('SIGKILL')
    origin.kill('SIGKILL')
    await sallyport[Symbol.asyncDispose]()
  }
}

async function conclude(
  sallyport: Sallyport,
  report: ClientReport,
  saw: { seen: readonly string[]; leaks: number },
  rss: { warm: number; end: number },
): Promise<number> {
  const rows = Object.entries(report.played).map(([name, count]) => [
    name,
    String(count),
    String(report.failed[name]?.length ?? ''),
  ])
  console.log(table([['scenario', 'played', 'failed'], ...rows.sort(([a = ''], [b = '']) => (a < b ? -1 : 1))]))
  console.log(`memory: ${figure(rss.warm / 1e6)} MB when warm, ${figure(rss.end / 1e6)} MB at the end`)
  const problems: string[] = []
  const note = (some: readonly string[]) => {
    for (const problem of some) console.log(`FAIL ${problem}`)
    problems.push(...some)
  }
  note(
    Object.entries(report.failed).flatMap(([name, list]) =>
      [...new Set(list)].slice(0, 5).map((one) => `${name}: ${one}`),
    ),
  )
  if (saw.leaks > 0) note([`the origin saw ${saw.leaks} secrets`])
  if (rss.end - rss.warm > Math.max(150e6, rss.warm / 2)) note(['memory grew'])
  note(await leftOpen(sallyport))
  note(ledgerProblems(sallyport, saw.seen, report.connects))
  note(logProblems(sallyport.log()))
  const status = await Promise.race([sallyport.stop(), pause(stopMs)])
  if (status !== 0) note([status === undefined ? 'it did not end when it was told to' : `it ended with ${status}`])
  console.log(
    problems.length === 0
      ? `ok: ${saw.seen.length} requests, all in the ledger, no socket open`
      : `${problems.length} problems`,
  )
  return problems.length === 0 ? 0 : 1
}

/** Idle connections to origins are kept for a while: sockets are counted when they have had their time. */
async function leftOpen({ child }: Sallyport): Promise<string[]> {
  if (process.platform !== 'linux') return []
  const until = performance.now() + idleMs
  let open = openSockets(child.pid as number)
  while (open.length > 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 500))
    open = openSockets(child.pid as number)
  }
  if (open.length === 0) return []
  const some = open.slice(0, 5).map(({ local, remote, state }) => `${local} → ${remote} ${state}`)
  return [`${open.length} sockets are still open: ${some.join(', ')}`]
}

function ledgerProblems(sallyport: Sallyport, seen: readonly string[], connects: number): string[] {
  const problems: string[] = []
  const exchanges = sallyport.rows('exchanges')
  const paths = new Set(exchanges.map((row) => String(row['path'])))
  const missing = seen.filter((path) => !paths.has(path))
  if (missing.length > 0)
    problems.push(
      `${missing.length} of ${seen.length} requests are not in the ledger: ${missing.slice(0, 5).join(' ')}`,
    )
  const open = exchanges.filter(({ state }) => state === 'open')
  if (open.length > 0)
    problems.push(
      `${open.length} exchanges are still open: ${open
        .slice(0, 5)
        .map(({ path, http_version }) => `${String(path)} (${String(http_version)})`)
        .join(' ')}`,
    )
  const connections = sallyport
    .rows('connections')
    .filter((row) => [host, faultyHost, bytesHost].includes(String(row['host']))).length
  if (connections < connects)
    problems.push(`${connects} CONNECTs were answered, ${connections} connections are in the ledger`)
  return problems
}

function logProblems(log: string): string[] {
  const bad = log.split('\n').filter((line) => /"level":(?:"(?:error|fatal)"|50|60)|uncaught|unhandled/i.test(line))
  return [...new Set(bad.map((line) => line.replaceAll(/"(?:time|exchange|connection)":(?:"[^"]*"|\d+),?/g, '')))]
    .slice(0, 5)
    .map((line) => `log: ${line.slice(0, 600)}`)
}

/** Memory once a second: the median of the second quarter, and of the last. */
function watchMemory(pid: number): { readonly stop: () => { warm: number; end: number } } {
  const all: number[] = []
  const timer = setInterval(() => all.push(processCost(pid).rssBytes), 1_000)
  return {
    stop: () => {
      clearInterval(timer)
      const quarter = Math.ceil(all.length / 4)
      return { warm: median(all.slice(quarter, 2 * quarter)), end: median(all.slice(-quarter)) }
    },
  }
}

function startChild(file: string): ChildProcess {
  const child = fork(fileURLToPath(new URL(`soak/${file}`, import.meta.url)), [], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  process.once('exit', () => child.kill('SIGKILL'))
  return child
}

async function answerOf<T>(child: ChildProcess, ms: number): Promise<T> {
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('a process of the soak ended')))
  ended.catch(() => undefined)
  const [answer] = (await Promise.race([once(child, 'message', { signal: AbortSignal.timeout(ms) }), ended])) as [T]
  return answer
}

const policy = {
  mode: 'enforce',
  intercept: [{ hosts: [host, faultyHost, plainHost], action: 'inspect' }],
  rules: [
    {
      name: 'secrets',
      on: 'request',
      hook: 'secrets',
      options: { packs: ['all'], minConfidence: 0.8 },
      action: 'tokenize',
      onError: 'block',
    },
  ],
}
// Idle connections to origins are kept for 30 s.
const idleMs = 45_000
const stopMs = 60_000

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))

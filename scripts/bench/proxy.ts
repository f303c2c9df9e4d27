import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { testAuthority } from '../../test/support/authority.ts'
import { candidates, startPinned, type Contestant } from './contestants.ts'
import type { Job, JobResult } from './jobs.ts'
import { processCost } from './process-cost.ts'
import { median } from './report.ts'
import { aims, printWorkload, type Measured, type Workload } from './results.ts'

const knownHost = 'api.openai.com'

/** `npm run bench -- proxy [--quick] [--only a,b] [--workloads a,b] [--rounds N] [--json] [--profile DIR]`. */
export async function benchProxy(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean' },
      json: { type: 'boolean' },
      only: { type: 'string' },
      workloads: { type: 'string' },
      rounds: { type: 'string' },
      profile: { type: 'string' },
    },
  })
  const rounds = Number(values.rounds ?? (values.quick === true ? 1 : 3))
  const wanted = (name: string, list: string | undefined) => list === undefined || list.split(',').includes(name)
  const chosen = workloads(values.quick === true ? 400 : 1_500, values.quick === true ? 8 : 20).filter(({ name }) =>
    wanted(name, values.workloads),
  )
  const hosts = [knownHost, ...Array.from({ length: rounds * 20 }, (_, i) => `h${i}.bench.example`)]
  const authority = testAuthority('Bench origins')
  const origin = startChild('origin.ts')
  const client = startChild('client.ts')
  origin.send(authority.issue([knownHost, '*.bench.example']))
  const [{ port }] = (await once(origin, 'message')) as [{ port: number }]
  const contestants: Contestant[] = []
  for (const candidate of candidates.filter(({ name }) => wanted(name, values.only))) {
    const started = await candidate
      .start({
        authority,
        originPort: port,
        hosts,
        ...(values.profile === undefined ? {} : { profile: values.profile }),
      })
      .catch((cause: unknown) => `cannot start: ${String(cause)}`)
    if (typeof started === 'string') console.log(`${candidate.name}: skipped, ${started}`)
    else contestants.push(started)
  }
  try {
    const idle = new Map(contestants.map(({ name, pid }) => [name, pid === null ? 0 : processCost(pid).rssBytes]))
    const measured = await measure(client, contestants, chosen, rounds)
    if (values.json === true) console.log(JSON.stringify(measured))
    else {
      for (const workload of chosen)
        printWorkload(
          workload,
          measured.filter((one) => one.workload === workload.name),
        )
      for (const { name, pid } of contestants) {
        if (pid !== null)
          console.log(`${name}: ${mib(idle.get(name) ?? 0)} MiB idle, ${mib(processCost(pid).rssBytes)} MiB after`)
      }
    }
    for (const line of aims(measured, new Map(idle))) console.log(line)
  } finally {
    for (const one of contestants) await one.stop()
    client.kill()
    origin.kill()
  }
  return 0
}

function workloads(ms: number, fresh: number): Workload[] {
  const load =
    (connections: number, requestBytes: number, answer: 'json' | 'burst'): Workload['job'] =>
    (route) => ({
      kind: 'load',
      host: knownHost,
      connections,
      requestBytes,
      answer,
      ms,
      ...route,
    })
  const hosts = (round: number) => Array.from({ length: fresh }, (_, i) => `h${round * 20 + i}.bench.example`)
  return [
    { name: 'chat-1', per: 'request', title: '2 KB chat request and answer, 1 at once', job: load(1, 2_048, 'json') },
    {
      name: 'chat-32',
      per: 'request',
      title: '2 KB chat request and answer, 32 at once',
      job: load(32, 2_048, 'json'),
    },
    { name: 'chat-64k', per: 'request', title: '64 KB request, 8 at once', job: load(8, 65_536, 'json') },
    { name: 'chat-1m', per: 'request', title: '1 MB request, 4 at once', job: load(4, 1_048_576, 'json') },
    {
      name: 'sse-paced',
      per: 'event',
      title: 'events of a stream of 500, one each 2 ms: delay',
      job: (route) => ({ kind: 'stream', host: knownHost, streams: 1, ...route }),
    },
    {
      name: 'sse-burst',
      per: 'stream',
      title: 'streams of 500 events, sent at once, 8 streams at once',
      job: load(8, 2_048, 'burst'),
    },
    {
      name: 'known-host',
      per: 'connection',
      title: 'new connections to a known host',
      job: (route) => ({ kind: 'fresh', hosts: hosts(0).map(() => knownHost), ...route }),
    },
    {
      name: 'new-host',
      per: 'connection',
      title: 'new connections to new hosts',
      job: (route, round) => ({ kind: 'fresh', hosts: hosts(round), ...route }),
    },
  ]
}

// Contestants take turns within a workload and the workloads within a round: what drifts, drifts for all.
async function measure(
  client: ChildProcess,
  contestants: readonly Contestant[],
  chosen: readonly Workload[],
  rounds: number,
): Promise<Measured[]> {
  const all: (Measured & { round: number })[] = []
  await warmUp(client, contestants)
  for (let round = 0; round < rounds; round++) {
    for (const workload of chosen) {
      for (const { name, pid, route } of contestants) {
        if (name === 'direct' && workload.name === 'new-host') continue
        const before = pid === null ? 0 : processCost(pid).cpuMs
        const result = await run(client, workload.job(route, round)).catch((cause: unknown) =>
          broken(name, workload.name, cause),
        )
        const cpuMs = pid === null ? 0 : processCost(pid).cpuMs - before
        all.push({ contestant: name, workload: workload.name, ...result, cpuMs, round })
      }
    }
  }
  return contestants
    .flatMap(({ name }) =>
      chosen.map((workload) => middle(all.filter((one) => one.contestant === name && one.workload === workload.name))),
    )
    .filter((one) => one !== undefined)
}

async function warmUp(client: ChildProcess, contestants: readonly Contestant[]): Promise<void> {
  const job = { kind: 'load', host: knownHost, connections: 8, answer: 'json', ms: 500 } as const
  for (const requestBytes of [2_048, 65_536]) {
    for (const { name, route } of contestants) {
      await run(client, { ...job, requestBytes, ...route }).catch((cause: unknown) => broken(name, 'warm-up', cause))
    }
  }
}

function middle(some: readonly Measured[]): Measured | undefined {
  const [first] = some
  if (first === undefined) return undefined
  const of = (value: (one: Measured) => number) => median(some.map(value))
  const rates = {
    ms: 1_000,
    exchanges: of((one) => (one.exchanges / one.ms) * 1_000),
    cpuMs: of((one) => (one.cpuMs / Math.max(1, one.exchanges)) * ((one.exchanges / one.ms) * 1_000)),
  }
  return {
    ...first,
    ...rates,
    failures: some.reduce((sum, one) => sum + one.failures, 0),
    p50: of((one) => one.p50),
    p99: of((one) => one.p99),
  }
}

async function run(client: ChildProcess, job: Job): Promise<JobResult> {
  if (client.exitCode !== null) throw new Error('the load client has ended')
  const answer = once(client, 'message', { signal: AbortSignal.timeout(60_000) })
  client.send(job)
  const [{ result, failed }] = (await answer) as [{ result?: JobResult; failed?: string }]
  if (result === undefined) throw new Error(failed ?? 'no result')
  return result
}

function broken(name: string, workload: string, cause: unknown): JobResult {
  console.log(`${name}: ${workload} failed: ${String(cause)}`)
  return { exchanges: 0, failures: 1, ms: 1, p50: Number.NaN, p99: Number.NaN }
}

function startChild(file: string): ChildProcess {
  const script = fileURLToPath(new URL(file, import.meta.url))
  return startPinned(1, process.execPath, ['--disable-warning=ExperimentalWarning', script], {}, true)
}

const mib = (bytes: number) => (bytes / 1_048_576).toFixed(0)

import type { Job, JobResult, Route } from './jobs.ts'
import { figure, table } from './report.ts'

export type Workload = {
  readonly name: string
  readonly title: string
  /** What is counted: `request`, `event`, … */
  readonly per: string
  readonly job: (route: Route, round: number, contestant: string) => Job
  /** Who takes part; everyone when it is missing. */
  readonly among?: readonly string[]
  readonly without?: readonly string[]
  /** Whose figures are the mark; default the bare interceptor's. */
  readonly mark?: string
}

/** A contestant's result in a workload. After the medians are taken, `exchanges` and `cpuMs` are per second (`ms` is 1000). */
export type Measured = JobResult & { readonly contestant: string; readonly workload: string; readonly cpuMs: number }

/** Prints a workload: rate, added latency, CPU per exchange, each beside the mark's. */
export function printWorkload({ title, name, per, mark = 'bare' }: Workload, all: readonly Measured[]): void {
  const results = all.filter((one) => one.workload === name)
  const of = (contestant: string) => results.find((one) => one.contestant === contestant)
  const [bare, direct] = [of(mark), of('direct')]
  const beside = `× ${mark}`
  const head = ['', `${per}s/s`, beside, 'p50 added', 'p99 added', `CPU/${per}`, beside, 'failed']
  const rows = results.map((one) => [
    one.contestant,
    figure(one.exchanges),
    figure(bare && one.exchanges / bare.exchanges),
    figure(one.p50 - (direct?.p50 ?? 0), ' ms'),
    figure(one.p99 - (direct?.p99 ?? 0), ' ms'),
    one.cpuMs === 0 ? '–' : figure(cpuPer(one), ' ms'),
    one.cpuMs === 0 ? '–' : figure(bare && cpuPer(one) / cpuPer(bare)),
    one.failures === 0 ? '' : String(one.failures),
  ])
  console.log(`\n${title} (${name})\n${table([head, ...rows])}`)
}

/** What the project aims at, each as one line with what was reached. Aims whose figures were not measured are left out. */
export function aims(results: readonly Measured[], idleBytes: ReadonlyMap<string, number>): string[] {
  const of = (contestant: string, workload: string) =>
    results.find((one) => one.contestant === contestant && one.workload === workload)
  const rate = (workload: string, other: string) =>
    ratio(of('ours', workload)?.exchanges, of(other, workload)?.exchanges)
  const [known, fresh] = [of('ours', 'known-host'), of('ours', 'new-host')]
  const [paced, direct] = [of('ours', 'sse-paced'), of('direct', 'sse-paced')]
  const idle = idleBytes.get('ours')
  return [
    atLeast('rate of the bare interceptor, 2 KB, 1 at once', rate('chat-1', 'bare'), 0.6),
    atLeast('rate of the bare interceptor, 2 KB, 32 at once', rate('chat-32', 'bare'), 0.6),
    atLeast('rate of http-mitm-proxy, 2 KB, 32 at once', rate('chat-32', 'http-mitm-proxy'), 1.3),
    atLeast('rate of mockttp, 2 KB, 32 at once', rate('chat-32', 'mockttp'), 2.5),
    atLeast('rate of the bare interceptor, 64 KB', rate('chat-64k', 'bare'), 0.5),
    atMost('added delay of an event at the median, ms', paced && direct && paced.p50 - direct.p50, 1),
    atMost(
      'CPU of the first exchange with a new host over one with a known host, ms',
      known && fresh && cpuPer(fresh) - cpuPer(known),
      3,
    ),
    atMost('idle memory of one worker, MB', idle === undefined ? undefined : idle / 1e6, 90),
  ].filter((line) => line !== undefined)
}

export function cpuPer(one: Measured): number {
  return one.cpuMs / one.exchanges
}

export function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a / b
}

export function atLeast(what: string, value: number | undefined, aim: number): string | undefined {
  return value === undefined
    ? undefined
    : `${value >= aim ? 'ok  ' : 'MISS'} ${what}: ${figure(value)} (aim: at least ${aim})`
}

export function atMost(what: string, value: number | undefined, aim: number): string | undefined {
  return value === undefined
    ? undefined
    : `${value <= aim ? 'ok  ' : 'MISS'} ${what}: ${figure(value)} (aim: at most ${aim})`
}

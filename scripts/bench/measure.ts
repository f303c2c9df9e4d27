import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Contestant } from './children.ts'
import type { Job, JobResult, VerifyJob } from './jobs.ts'
import { processCost } from './process-cost.ts'
import { median } from './report.ts'
import type { Measured, Workload } from './results.ts'
import { knownHost } from './session.ts'

/** Contestants take turns within a workload and the workloads within a round: what drifts, drifts for all. Gives medians of the rounds. */
export async function measure(
  client: ChildProcess,
  contestants: readonly Contestant[],
  chosen: readonly Workload[],
  rounds: number,
): Promise<Measured[]> {
  const all: Measured[] = []
  for (let round = 0; round < rounds; round++) {
    for (const workload of chosen) {
      for (const { name, pid, route } of contestants) {
        if (!takesPart(workload, name)) continue
        const before = pid === null ? 0 : processCost(pid).cpuMs
        const result = await run(client, workload.job(route, round, name)).catch((cause: unknown) =>
          broken(name, workload.name, cause),
        )
        const cpuMs = pid === null ? 0 : processCost(pid).cpuMs - before
        all.push({ contestant: name, workload: workload.name, ...result, cpuMs })
      }
    }
  }
  return contestants
    .flatMap(({ name }) =>
      chosen.map((workload) => middle(all.filter((one) => one.contestant === name && one.workload === workload.name))),
    )
    .filter((one) => one !== undefined)
}

/** Half a second of small and of larger requests for each. */
export async function warmUp(client: ChildProcess, contestants: readonly Contestant[]): Promise<void> {
  const job = { kind: 'load', host: knownHost, connections: 8, answer: 'json', ms: 500 } as const
  for (const requestBytes of [2_048, 65_536]) {
    for (const { name, route } of contestants) {
      await run(client, { ...job, requestBytes, ...route }).catch((cause: unknown) => broken(name, 'warm-up', cause))
    }
  }
}

export function middle(some: readonly Measured[]): Measured | undefined {
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

function takesPart({ among, without }: Workload, name: string): boolean {
  return (among === undefined || among.includes(name)) && without?.includes(name) !== true
}

/** Has the load client do a job. */
export async function run(client: ChildProcess, job: Job | VerifyJob): Promise<JobResult> {
  if (client.exitCode !== null) throw new Error('the load client has ended')
  const answer = once(client, 'message', { signal: AbortSignal.timeout(180_000) })
  client.send(job)
  const [{ result, failed }] = (await answer) as [{ result?: JobResult; failed?: string }]
  if (result === undefined) throw new Error(failed ?? 'no result')
  return result
}

function broken(name: string, workload: string, cause: unknown): JobResult {
  console.log(`${name}: ${workload} failed: ${String(cause)}`)
  return { exchanges: 0, failures: 1, ms: 1, p50: Number.NaN, p99: Number.NaN }
}

import { setTimeout as delay } from 'node:timers/promises'
import { wirePeers } from './contestants.ts'
import { run, warmUp } from './measure.ts'
import { processCost } from './process-cost.ts'
import { figure, table } from './report.ts'
import { knownHost, type BenchOptions, type Session } from './session.ts'

export type Hold = {
  readonly name: string
  readonly title: string
  readonly among: readonly string[]
  readonly count: number
}

/** What a contestant took to hold so many connections. Times in milliseconds; none for what is idle. */
export type Held = {
  readonly hold: string
  readonly title: string
  readonly contestant: string
  readonly count: number
  /** Memory of its process before, and how much more for each. */
  readonly baseBytes: number
  readonly bytesEach: number
  /** Connections opened in a second, and CPU in a second while they were held, in milliseconds. */
  readonly rate: number
  readonly cpuMs: number
  readonly events: number
  readonly p50: number
  readonly p99: number
  readonly failures: number
}

/** Once each, on a process that is new: memory that was used before would hide what is needed now. */
export async function holdAll(session: Session, options: BenchOptions, holds: readonly Hold[]): Promise<Held[]> {
  const all: Held[] = []
  for (const hold of holds.filter(({ name }) => options.isChosen(name))) {
    for (const candidate of wirePeers.filter(({ name }) => hold.among.includes(name) && options.takesPart(name))) {
      const held = await holdOne(session, options, hold, candidate).catch((cause: unknown) => {
        console.log(`${candidate.name}: ${hold.name} failed: ${String(cause)}`)
        return undefined
      })
      if (held !== undefined) all.push(held)
    }
  }
  return all
}

export function printHeld(held: readonly Held[]): void {
  for (const name of new Set(held.map(({ hold }) => hold))) {
    const some = held.filter(({ hold }) => hold === name)
    const [direct] = some.filter(({ contestant }) => contestant === 'direct')
    const rows = some.map((one) => [
      one.contestant,
      figure(one.baseBytes / 1e6, ' MB'),
      figure(one.bytesEach / 1_024, ' KiB'),
      figure(one.rate),
      figure(one.cpuMs / 10, ' %'),
      figure(one.p50 - (direct?.p50 ?? 0), ' ms'),
      figure(one.p99 - (direct?.p99 ?? 0), ' ms'),
      one.failures === 0 ? '' : String(one.failures),
    ])
    const head = ['', 'before', 'memory each', 'opened/s', 'CPU held', 'p50 added', 'p99 added', 'failed']
    console.log(`\n${some[0]?.count} ${some[0]?.title} (${name})\n${table([head, ...rows])}`)
  }
}

async function holdOne(
  { client, start }: Session,
  { quick }: BenchOptions,
  { name, title, count }: Hold,
  candidate: (typeof wirePeers)[number],
): Promise<Held | undefined> {
  const contestant = await start(candidate)
  if (contestant === undefined) return undefined
  const { pid, route } = contestant
  const cost = () => (pid === null ? { cpuMs: 0, rssBytes: 0 } : processCost(pid))
  try {
    await warmUp(client, [contestant])
    await delay(1_000)
    const before = cost()
    const answer = name === 'streams' ? 'slow' : 'json'
    const opened = await run(client, { kind: 'hold', host: knownHost, connections: count, answer, ...route })
    await delay(2_000)
    const begun = cost()
    const ms = quick ? 4_000 : 10_000
    const watched = await run(client, { kind: 'watch', ms })
    const after = cost()
    return {
      hold: name,
      title,
      contestant: candidate.name,
      count: opened.exchanges,
      baseBytes: before.rssBytes,
      bytesEach: (after.rssBytes - before.rssBytes) / opened.exchanges,
      rate: (opened.exchanges / opened.ms) * 1_000,
      cpuMs: ((after.cpuMs - begun.cpuMs) / ms) * 1_000,
      events: watched.exchanges,
      p50: watched.p50,
      p99: watched.p99,
      failures: opened.failures + watched.failures,
    }
  } finally {
    await run(client, { kind: 'release' })
    await contestant.stop()
  }
}

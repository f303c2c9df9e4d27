import { readFileSync } from 'node:fs'
import type { Contestant } from './children.ts'
import { bytesHost } from './children.ts'
import { wirePeers } from './contestants.ts'
import { holdAll, printHeld, type Held } from './held-memory.ts'
import { measure, warmUp } from './measure.ts'
import { atLeast, atMost, cpuPer, printWorkload, ratio, type Measured, type Workload } from './results.ts'
import { benchOptions, knownHost, startSession } from './session.ts'

/** `npm run bench -- wire`: what a connection costs that does nothing, and one that does nothing but carry bytes. */
export async function benchWire(args: readonly string[]): Promise<number> {
  const options = benchOptions(args)
  const session = await startSession([knownHost], options.profile)
  const chosen = workloads(options.quick, session.bytesPort).filter(({ name }) => options.isChosen(name))
  const contestants: Contestant[] = []
  try {
    const held = await holdAll(session, options, holds(options.quick))
    for (const candidate of chosen.length === 0 ? [] : wirePeers.filter(({ name }) => options.takesPart(name))) {
      const started = await session.start(candidate)
      if (started !== undefined) contestants.push(started)
    }
    await warmUp(
      session.client,
      contestants.filter(({ name }) => ['direct', 'ours', 'bare'].includes(name)),
    )
    const measured = await measure(session.client, contestants, chosen, options.rounds)
    if (options.json) console.log(JSON.stringify({ held, measured }))
    else {
      printHeld(held)
      for (const workload of chosen) printWorkload(workload, measured)
      console.log('')
    }
    for (const line of wireAims(held, measured)) console.log(line)
  } finally {
    for (const one of contestants) await one.stop()
    session.close()
  }
  return 0
}

/** What the project aims at; aims whose figures were not measured are left out. */
export function wireAims(held: readonly Held[], results: readonly Measured[]): string[] {
  const of = (contestant: string, workload: string) =>
    results.find((one) => one.contestant === contestant && one.workload === workload)
  const rate = (workload: string, ours: string, mark: string) =>
    ratio(of(ours, workload)?.exchanges, of(mark, workload)?.exchanges)
  const cpu = (workload: string, ours: string, mark: string) => {
    const [own, other] = [of(ours, workload), of(mark, workload)]
    return own && other && cpuPer(other) / cpuPer(own)
  }
  const [streams, direct] = ['ours', 'direct'].map((name) =>
    held.find((one) => one.contestant === name && one.hold === 'streams'),
  )
  return [
    atMost(
      `delay added to an event at p99, ${streams?.count} streams, ms`,
      streams && direct && streams.p99 - direct.p99,
      10,
    ),
    ...bytesWorkloads.map(({ name }) =>
      atLeast(`rate of a bare relay, ${name}`, rate(name, 'ours-tunnel', 'relay'), 0.8),
    ),
    atLeast('full handshakes of a bare TLS server, by rate', rate('handshakes', 'ours', 'tls-server'), 0.7),
    atLeast('full handshakes of a bare TLS server, by CPU', cpu('handshakes', 'ours', 'tls-server'), 0.7),
    atLeast('full handshakes of a bare interceptor, by rate', rate('handshakes', 'ours', 'bare'), 0.7),
  ].filter((line) => line !== undefined)
}

function holds(quick: boolean) {
  // A tunnel takes two descriptors of the relay, and each side some of its own.
  const most = descriptors() - 500
  const connections = Math.min(quick ? 2_000 : 10_000, most)
  const tunnels = Math.min(connections, Math.floor(most / 2))
  return [
    { name: 'idle', title: 'idle intercepted connections', among: ['ours', 'bare'], count: connections },
    { name: 'tunnels', title: 'idle tunnels', among: ['ours-tunnel', 'relay'], count: tunnels },
    {
      name: 'streams',
      title: 'open streams, an event per second',
      among: ['direct', 'ours', 'bare'],
      count: quick ? 300 : 2_000,
    },
  ]
}

// Node raises its own limit to the hard one.
function descriptors(): number {
  if (process.platform !== 'linux') return 10_000
  const [, , , , hard] = /^Max open files.*$/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[0].split(/ +/) ?? []
  return hard === 'unlimited' ? 1_000_000 : Number(hard)
}

function workloads(quick: boolean, bytesPort: number): Workload[] {
  return [
    ...bytesWorkloads.map(({ name, title, way, streams }): Workload => ({
      name,
      title,
      per: 'MB',
      among: ['direct', 'ours-tunnel', 'relay'],
      mark: 'relay',
      job: ({ targetPort, ...route }) => ({
        ...route,
        // Ours finds the port by the name.
        targetPort: targetPort === 443 ? targetPort : bytesPort,
        kind: 'bytes',
        host: bytesHost,
        way,
        streams,
        megabytes: quick ? 200 : 800,
      }),
    })),
    {
      name: 'handshakes',
      title: 'full handshakes, 16 at once',
      per: 'handshake',
      among: ['tls-server', 'bare', 'ours'],
      mark: 'tls-server',
      job: (route) => ({ ...route, kind: 'handshakes', host: knownHost, concurrency: 16, ms: quick ? 1_000 : 3_000 }),
    },
  ]
}

const bytesWorkloads = [
  { name: 'down-1', title: 'tunnelled bytes down, 1 stream', way: 'down', streams: 1 },
  { name: 'up-1', title: 'tunnelled bytes up, 1 stream', way: 'up', streams: 1 },
  { name: 'down-8', title: 'tunnelled bytes down, 8 streams', way: 'down', streams: 8 },
  { name: 'up-8', title: 'tunnelled bytes up, 8 streams', way: 'up', streams: 8 },
] as const

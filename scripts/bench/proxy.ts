import { proxies } from './contestants.ts'
import type { Contestant } from './children.ts'
import { measure, warmUp } from './measure.ts'
import { processCost } from './process-cost.ts'
import { aims, printWorkload, type Workload } from './results.ts'
import { benchOptions, knownHost, startSession } from './session.ts'

/** `npm run bench -- proxy`: what an exchange costs, beside other proxies. */
export async function benchProxy(args: readonly string[]): Promise<number> {
  const options = benchOptions(args)
  const { quick, rounds } = options
  const chosen = workloads(quick ? 400 : 1_500, quick ? 8 : 20).filter(({ name }) => options.isChosen(name))
  const hosts = [knownHost, ...Array.from({ length: rounds * 20 }, (_, i) => `h${i}.bench.example`)]
  const session = await startSession(hosts, options.profile)
  const contestants: Contestant[] = []
  try {
    for (const candidate of proxies.filter(({ name }) => options.takesPart(name))) {
      const started = await session.start(candidate)
      if (started !== undefined) contestants.push(started)
    }
    const idle = new Map(contestants.map(({ name, pid }) => [name, pid === null ? 0 : processCost(pid).rssBytes]))
    await warmUp(session.client, contestants)
    const measured = await measure(session.client, contestants, chosen, rounds)
    if (options.json) console.log(JSON.stringify(measured))
    else {
      for (const workload of chosen) printWorkload(workload, measured)
      for (const { name, pid } of contestants) {
        if (pid !== null)
          console.log(`${name}: ${mib(idle.get(name) ?? 0)} MiB idle, ${mib(processCost(pid).rssBytes)} MiB after`)
      }
    }
    for (const line of aims(measured, idle)) console.log(line)
  } finally {
    for (const one of contestants) await one.stop()
    session.close()
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
      without: ['direct'],
      per: 'connection',
      title: 'new connections to new hosts',
      job: (route, round) => ({ kind: 'fresh', hosts: hosts(round), ...route }),
    },
  ]
}

const mib = (bytes: number) => (bytes / 1_048_576).toFixed(0)

// The clients of the soak. Run as a child: plays scenarios until the time is up, then says by IPC how they came out.
import { http1 } from './http1.ts'
import { http2 } from './http2.ts'
import { seeded } from './random.ts'
import { rude } from './rude.ts'
import type { Scenario, Stage } from './scenario.ts'

export type ClientJob = {
  readonly proxyPort: number
  readonly ca: string
  readonly seed: number
  readonly ms: number
  readonly at: number
}

/** How often each scenario was played, and what went wrong with it. */
export type ClientReport = {
  readonly played: Readonly<Record<string, number>>
  readonly failed: Readonly<Record<string, readonly string[]>>
  readonly connects: number
}

const scenarios: readonly Scenario[] = [...http1, ...http2, ...rude]

async function play({ proxyPort, ca, seed, ms, at }: ClientJob): Promise<ClientReport> {
  const end = performance.now() + ms
  const played: Record<string, number> = {}
  const failed: Record<string, string[]> = {}
  let connects = 0
  let paths = 0
  const lane = async (index: number) => {
    const random = seeded(seed * 1_000 + index)
    const path = (what: string) => `/soak/${what}/${++paths}`
    const stage: Stage = { random, proxyPort, ca, path, connected: () => connects++ }
    while (performance.now() < end) {
      const { name, play } = random.pick(scenarios)
      played[name] = (played[name] ?? 0) + 1
      await inTime(play(stage)).catch((cause: unknown) => {
        const list = (failed[name] ??= [])
        if (list.length < 20) list.push(String(cause))
        else list[19] = `${20}th and more: ${String(cause)}`
      })
    }
  }
  await Promise.all(Array.from({ length: at }, (_, index) => lane(index)))
  return { played, failed, connects }
}

function inTime(playing: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error('not over after 60 s')), 60_000)
  return Promise.race([playing, promise]).finally(() => clearTimeout(timer))
}

process.on('message', (job: ClientJob) => {
  void play(job).then((report) => process.send?.({ report }))
})
process.on('disconnect', () => process.exit(0))
// A scenario's leftovers do not end the soak, but it must not go unsaid.
process.on('uncaughtException', (cause) => console.error('client:', cause))

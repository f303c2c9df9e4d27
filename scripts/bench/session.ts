import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { testAuthority } from '../../test/support/authority.ts'
import { startScript, type Contestant, type Setting } from './children.ts'
import type { Candidate } from './contestants.ts'

export const knownHost = 'api.openai.com'

export type BenchOptions = {
  readonly quick: boolean
  readonly json: boolean
  readonly rounds: number
  /** Whether `--only` names this contestant, or nothing. */
  readonly takesPart: (contestant: string) => boolean
  /** Whether `--workloads` names this one, or nothing. */
  readonly isChosen: (workload: string) => boolean
  readonly profile: string | undefined
}

/** `[--quick] [--only a,b] [--workloads a,b] [--rounds N] [--json] [--profile DIR]`. */
export function benchOptions(args: readonly string[]): BenchOptions {
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
  const named = (list: string | undefined) => (name: string) => list === undefined || list.split(',').includes(name)
  return {
    quick: values.quick === true,
    json: values.json === true,
    rounds: Number(values.rounds ?? (values.quick === true ? 1 : 3)),
    takesPart: named(values.only),
    isChosen: named(values.workloads),
    profile: values.profile,
  }
}

/** An origin and a load client that share core 1. */
export type Session = {
  readonly client: ChildProcess
  /** Where the origin sends and takes plain bytes. */
  readonly bytesPort: number
  /** Starts a contestant; undefined and a line of output when it cannot take part. */
  readonly start: (candidate: Candidate) => Promise<Contestant | undefined>
  readonly close: () => void
}

export async function startSession(hosts: readonly string[], profile?: string): Promise<Session> {
  const authority = testAuthority('Bench origins')
  const origin = startScript(1, 'origin.ts')
  const client = startScript(1, 'client.ts')
  origin.send(authority.issue([knownHost, '*.bench.example']))
  const [{ port, bytesPort }] = (await once(origin, 'message')) as [{ port: number; bytesPort: number }]
  const setting: Setting = {
    authority,
    originPort: port,
    bytesPort,
    hosts,
    ...(profile === undefined ? {} : { profile }),
  }
  return {
    client,
    bytesPort,
    start: async (candidate) => {
      const started = await candidate.start(setting).catch((cause: unknown) => `cannot start: ${String(cause)}`)
      if (typeof started !== 'string') return started
      console.log(`${candidate.name}: skipped, ${started}`)
      return undefined
    },
    close: () => {
      client.kill()
      origin.kill()
    },
  }
}

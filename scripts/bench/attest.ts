import { once } from 'node:events'
import { join } from 'node:path'
import { newDeviceKey } from '../../src/attest/keys.ts'
import { installSallyport } from '../../test/support/sallyport.ts'
import { enrol } from '../../test/support/attesting.ts'
import type { Signing } from './attest-fields.ts'
import { startScript, type Contestant } from './children.ts'
import { startOurs, type Candidate } from './contestants.ts'
import type { ConnectsJob, JobResult } from './jobs.ts'
import { measure, run, warmUp } from './measure.ts'
import { figure, median, table } from './report.ts'
import { atLeast, atMost, printWorkload, ratio, type Measured, type Workload } from './results.ts'
import { benchOptions, knownHost, startSession, type BenchOptions, type Session } from './session.ts'

/** `npm run bench -- attest`: what it costs to prove that traffic has been inspected, and what those cost that prove nothing. */
export async function benchAttest(args: readonly string[]): Promise<number> {
  const options = benchOptions(args)
  const device = newDevice()
  const chosen = workloads(options.quick, device.signing).filter(({ name }) => options.isChosen(name))
  const session = await startSession([knownHost, tunnelled], options.profile)
  const contestants: Contestant[] = []
  try {
    const attested = await session.start(accepting(device))
    if (attested === undefined) return 1
    contestants.push({ ...attested, name: 'plain' }, attested)
    await warmUp(session.client, [attested])
    for (const { job } of chosen) await run(session.client, job(attested.route, 0, 'attested'))
    const measured = await measure(session.client, contestants, chosen, options.rounds)
    const levels = [
      ...(options.isChosen('others') ? await others(session, attested, device.signing, options) : []),
      ...(options.isChosen('verifier') ? await verifier(device, options) : []),
    ]
    if (options.json) console.log(JSON.stringify({ measured, levels }))
    else print(chosen, measured, levels)
    for (const line of attestAims(measured, levels)) console.log(line)
  } finally {
    for (const one of contestants) await one.stop()
    session.close()
  }
  return 0
}

/** What others feel at rest, or beside something. Times in milliseconds. */
export type Level = {
  readonly scene: string
  readonly beside: string
  readonly rate: number
  readonly p50: number
  readonly p99: number
}

/** What the project aims at; aims whose figures were not measured are left out. */
export function attestAims(measured: readonly Measured[], levels: readonly Level[]): string[] {
  const [plain, attested] = ['plain', 'attested'].map((name) => measured.find((one) => one.contestant === name))
  const p99 = (scene: string, beside: string) => levels.find((one) => one.scene === scene && one.beside === beside)?.p99
  return [
    atLeast('attested CONNECTs beside plain tunnels, by rate', ratio(attested?.exchanges, plain?.exchanges), 0.8),
    ...['one address', 'many addresses'].map((from) =>
      atMost(
        `p99 of good attestations beside 10,000 bad ones a second from ${from}, × at rest`,
        ratio(p99('verifier', from), p99('verifier', 'rest')),
        2,
      ),
    ),
    atMost(
      "p99 of others' exchanges beside CONNECTs with bad attestations, × with none",
      ratio(p99('others', 'bad'), p99('others', 'none')),
      2,
    ),
  ].filter((line) => line !== undefined)
}

type Device = { readonly signing: Signing; readonly publicKey: Buffer }

function newDevice(): Device {
  const { privatePem, publicKey } = newDeviceKey()
  return { signing: { privatePem, device: 'bench-1', audience: 'bench' }, publicKey }
}

/** One process for both. Its thread pool has the other core, too, which verifying is done by. */
function accepting({ signing, publicKey }: Device): Candidate {
  return {
    name: 'attested',
    start: (setting) =>
      startOurs('attested', setting, {
        cores: '0,1',
        config: { attestation },
        prepare: ({ dir }) => enrol(join(dir, 'data'), { id: signing.device, publicKey }),
      }),
  }
}

function workloads(quick: boolean, signing: Signing): Workload[] {
  return [
    {
      name: 'connects',
      title: 'CONNECTs, 16 at once',
      per: 'CONNECT',
      mark: 'plain',
      job(route, _, contestant) {
        const attestation = contestant === 'attested' ? 'good' : 'none'
        const host = contestant === 'attested' ? knownHost : tunnelled
        return connectsJob({ ...route, host, concurrency: 16, ms: quick ? 1_000 : 3_000, attestation, signing })
      },
    },
  ]
}

function connectsJob(job: Omit<ConnectsJob, 'kind' | 'perSecond'> & { readonly perSecond?: number }): ConnectsJob {
  return { kind: 'connects', perSecond: null, ...job }
}

/** Exchanges of others at rest, beside CONNECTs without an attestation, and beside as many with bad ones; by turns. */
async function others(
  session: Session,
  { route }: Contestant,
  signing: Signing,
  { quick, rounds }: BenchOptions,
): Promise<Level[]> {
  const ms = quick ? 3_000 : 8_000
  const flood = startScript(1, 'client.ts')
  const besides = ['rest', 'none', 'bad'] as const
  const all = new Map<string, (JobResult & { rate: number })[]>(besides.map((beside) => [beside, []]))
  try {
    for (let round = 0; round < rounds; round++) {
      for (const beside of besides) {
        const attestation = beside === 'bad' ? 'bad' : 'none'
        const job = connectsJob({
          ...route,
          host: knownHost,
          concurrency: 0,
          perSecond: floodPerSecond,
          ms: ms + 500,
          attestation,
          signing,
        })
        const flooding = beside === 'rest' ? undefined : run(flood, job)
        const felt = await run(session.client, {
          ...route,
          kind: 'paced',
          host: knownHost,
          connections: 8,
          everyMs: 20,
          ms,
        })
        const sent = await flooding
        all.get(beside)?.push({ ...felt, rate: sent === undefined ? 0 : (sent.exchanges / sent.ms) * 1_000 })
      }
    }
  } finally {
    flood.kill()
  }
  return [...all].map(([beside, some]) => levelOf('others', beside, some))
}

/** Good attestations at rest, and beside bad ones; on core 0, without a network. */
async function verifier({ signing, publicKey }: Device, { quick, rounds }: BenchOptions): Promise<Level[]> {
  const installation = await installSallyport({ config: { attestation } })
  enrol(join(installation.dir, 'data'), { id: signing.device, publicKey })
  const child = startScript(0, 'peers/verifier.ts', [installation.file])
  const all = new Map<string, (JobResult & { rate: number })[]>(besides.map(([beside]) => [beside, []]))
  try {
    await once(child, 'message', { signal: AbortSignal.timeout(20_000) })
    for (let round = 0; round < rounds; round++) {
      for (const [beside, badPerSecond, addresses] of besides) {
        const result = await run(child, { kind: 'verify', badPerSecond, addresses, ms: quick ? 2_000 : 5_000, signing })
        all.get(beside)?.push({ ...result, rate: badPerSecond })
      }
    }
  } finally {
    child.kill()
  }
  return [...all].map(([beside, some]) => levelOf('verifier', beside, some))
}

function levelOf(scene: string, beside: string, some: readonly (JobResult & { readonly rate: number })[]): Level {
  const of = (value: (one: JobResult & { readonly rate: number }) => number) => median(some.map(value))
  return { scene, beside, rate: of(({ rate }) => rate), p50: of(({ p50 }) => p50), p99: of(({ p99 }) => p99) }
}

function print(chosen: readonly Workload[], measured: readonly Measured[], levels: readonly Level[]): void {
  for (const workload of chosen) printWorkload(workload, measured)
  for (const [scene, title] of titles) {
    const rows = levels.filter((level) => level.scene === scene)
    if (rows.length === 0) continue
    const cells = rows.map(({ beside, rate, p50, p99 }) => [
      beside,
      figure(rate),
      figure(p50, ' ms'),
      figure(p99, ' ms'),
    ])
    console.log(`\n${title} (${scene})\n${table([['beside', 'a second', 'p50', 'p99'], ...cells])}`)
  }
  console.log('')
}

const attestation = { accept: true, audience: 'bench', nexus: true }
/** Policy inspects nothing of it. */
const tunnelled = 'plain.example'
const besides = [
  ['rest', 0, 1],
  ['one address', 10_000, 1],
  ['many addresses', 10_000, 5_000],
] as const
const titles = [
  ['others', 'exchanges of others, one in 20 ms on each of 8 connections, beside CONNECTs'],
  ['verifier', 'good attestations, one in 5 ms, beside bad ones'],
] as const
/** Of new connections a core cannot take ten thousand a second, whatever they carry. */
const floodPerSecond = 500

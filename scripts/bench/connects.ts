import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { badFields, goodFields, type Fields } from './attest-fields.ts'
import { authority, dial, exchange } from './connection.ts'
import type { ConnectsJob, JobResult, PacedJob } from './jobs.ts'
import { chatRequest } from './payload.ts'
import { quantile } from './report.ts'

/** CONNECTs without a pause between them, or so many a second from many addresses. */
export async function connects(job: ConnectsJob): Promise<JobResult> {
  const target = authority(job, job.host)
  // Signed before the clock runs.
  const most = ((job.perSecond ?? mostPerSecond) * job.ms) / 1_000
  const fields = job.attestation === 'none' ? [''] : fieldsOf(job, target, most)
  let next = 0
  const times: number[] = []
  let failures = 0
  const one = async (address: string): Promise<void> => {
    const begun = performance.now()
    const isOpen = await connectTo(job, target, fields[next++ % fields.length] ?? '', address)
    if (isOpen) times.push(performance.now() - begun)
    else failures++
  }
  const start = performance.now()
  await (job.perSecond === null ? inTurn(job, one) : atRate(job, job.perSecond, one))
  const ms = performance.now() - start
  return { exchanges: times.length, failures, ms, p50: quantile(times, 0.5), p99: quantile(times, 0.99) }
}

/** Good ones are used once; of the others a few hundred will do. */
function fieldsOf({ attestation, signing }: ConnectsJob, target: string, most: number): Fields[] {
  return attestation === 'good' ? goodFields(signing, target, most) : badFields(signing, target, 512)
}

async function inTurn({ ms, concurrency }: ConnectsJob, one: (address: string) => Promise<void>): Promise<void> {
  const end = performance.now() + ms
  const loop = async (): Promise<void> => {
    while (performance.now() < end) await one('127.0.0.1')
  }
  await Promise.all(Array.from({ length: concurrency }, loop))
}

async function atRate({ ms }: ConnectsJob, perSecond: number, one: (address: string) => Promise<void>): Promise<void> {
  const start = performance.now()
  const running = new Set<Promise<void>>()
  let sent = 0
  for (let passed = 0; passed < ms; passed = performance.now() - start) {
    for (; sent < (passed * perSecond) / 1_000 && running.size < mostAtOnce; sent++) {
      const work = one(`127.0.${1 + ((sent >> 7) & 63)}.${1 + (sent & 127)}`).finally(() => running.delete(work))
      running.add(work)
    }
    await delay(1)
  }
  await Promise.all(running)
}

async function connectTo({ proxyPort }: ConnectsJob, target: string, fields: Fields, from: string): Promise<boolean> {
  const socket = connect({ port: proxyPort ?? 0, host: '127.0.0.1', localAddress: from, noDelay: true })
  socket.on('error', () => {})
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${fields}\r\n`)
  const answer = await Promise.race([once(socket, 'data').then(([bytes]) => String(bytes)), gone(socket)])
  socket.destroy()
  return answer.startsWith('HTTP/1.1 200 ')
}

async function gone(socket: Socket): Promise<string> {
  await once(socket, 'close')
  return ''
}

export async function paced(job: PacedJob): Promise<JobResult> {
  const request = chatRequest(authority(job, job.host), 2_048, 'json')
  const times: number[] = []
  let failures = 0
  const start = performance.now()
  const one = async (_: unknown, i: number): Promise<void> => {
    const socket = await dial(job, job.host)
    await delay((i * job.everyMs) / job.connections)
    while (performance.now() - start < job.ms && !socket.destroyed) {
      const begun = performance.now()
      if ((await exchange(socket, request)) === 200) times.push(performance.now() - begun)
      else failures++
      await delay(job.everyMs)
    }
    socket.destroy()
  }
  await Promise.all(Array.from({ length: job.connections }, one))
  const ms = performance.now() - start
  return { exchanges: times.length, failures, ms, p50: quantile(times, 0.5), p99: quantile(times, 0.99) }
}

const mostPerSecond = 6_000
const mostAtOnce = 500

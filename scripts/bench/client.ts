// The load client of the benchmarks: raw HTTP/1.1 over TLS over CONNECT. Run as a child; takes jobs and gives results by IPC.
import { authority, closeAll, dial, exchange } from './connection.ts'
import { connects, paced } from './connects.ts'
import { bytes, handshakes, hold, release, watch } from './held.ts'
import type { FreshJob, Job, JobResult, LoadJob, StreamJob } from './jobs.ts'
import { chatRequest } from './payload.ts'
import { quantile } from './report.ts'

process.on('message', (job: Job) => {
  // A proxy that hangs costs its exchanges, not the whole run.
  const patience = setTimeout(closeAll, job.kind === 'hold' ? 150_000 : 20_000)
  void Promise.resolve(perform(job))
    .then(
      (result) => process.send?.({ result }),
      (cause: unknown) => process.send?.({ failed: String(cause) }),
    )
    .finally(() => clearTimeout(patience))
})
process.on('disconnect', () => process.exit(0))

function perform(job: Job): JobResult | Promise<JobResult> {
  switch (job.kind) {
    case 'load':
      return load(job)
    case 'fresh':
      return fresh(job)
    case 'stream':
      return stream(job)
    case 'hold':
      return hold(job)
    case 'watch':
      return watch(job)
    case 'release':
      return release()
    case 'bytes':
      return bytes(job)
    case 'handshakes':
      return handshakes(job)
    case 'connects':
      return connects(job)
    case 'paced':
      return paced(job)
  }
}

async function load(job: LoadJob): Promise<JobResult> {
  const connections = await Promise.all(Array.from({ length: job.connections }, () => dial(job, job.host)))
  const request = chatRequest(authority(job, job.host), job.requestBytes, job.answer)
  const times: number[] = []
  let failures = 0
  const start = performance.now()
  const end = start + job.ms
  await Promise.all(
    connections.map(async (socket) => {
      while (performance.now() < end && !socket.destroyed) {
        const begun = performance.now()
        const status = await exchange(socket, request)
        if (status === 200) times.push(performance.now() - begun)
        else failures++
      }
    }),
  )
  const ms = performance.now() - start
  for (const socket of connections) socket.destroy()
  return { exchanges: times.length, failures, ms, p50: quantile(times, 0.5), p99: quantile(times, 0.99) }
}

async function fresh(job: FreshJob): Promise<JobResult> {
  const times: number[] = []
  let failures = 0
  const start = performance.now()
  for (const host of job.hosts) {
    const begun = performance.now()
    const socket = await dial(job, host)
    const status = await exchange(socket, chatRequest(authority(job, host), 2_048, 'json'))
    if (status === 200) times.push(performance.now() - begun)
    else failures++
    socket.destroy()
  }
  return {
    exchanges: times.length,
    failures,
    ms: performance.now() - start,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
  }
}

async function stream(job: StreamJob): Promise<JobResult> {
  const delays: number[] = []
  let failures = 0
  const start = performance.now()
  const one = async () => {
    const socket = await dial(job, job.host)
    let rest = ''
    const onEvent = (bytes: Buffer) => {
      const now = process.hrtime.bigint()
      rest += bytes.toString('latin1')
      let from = 0
      for (const match of rest.matchAll(/"system_fingerprint":"t(\d+)"/g)) {
        delays.push(Number(now - BigInt(match[1] as string)) / 1e6)
        from = match.index + match[0].length
      }
      rest = rest.slice(from)
    }
    const status = await exchange(socket, chatRequest(authority(job, job.host), 2_048, 'paced'), onEvent)
    if (status !== 200) failures++
    socket.destroy()
  }
  await Promise.all(Array.from({ length: job.streams }, one))
  const ms = performance.now() - start
  return { exchanges: delays.length, failures, ms, p50: quantile(delays, 0.5), p99: quantile(delays, 0.99) }
}

import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { authority, dial, dialPlain, exchange, nextOf } from './connection.ts'
import type { BytesJob, HandshakesJob, HoldJob, JobResult, WatchJob } from './jobs.ts'
import { chatRequest } from './payload.ts'
import { quantile } from './report.ts'

/** Opens what is to be held, 64 at a time. */
export async function hold(job: HoldJob): Promise<JobResult> {
  const request = chatRequest(authority(job, job.host), 1_024, job.answer)
  const start = performance.now()
  let opened = 0
  let failures = 0
  const open = async () => {
    while (opened + failures < job.connections) {
      opened++
      try {
        const socket = await dial(job, job.host)
        held.push(socket)
        if (job.answer === 'json') {
          if ((await exchange(socket, request)) !== 200) throw new Error('no answer')
        } else await streaming(socket, nextOf(request, socket))
      } catch {
        opened--
        failures++
      }
    }
  }
  await Promise.all(Array.from({ length: 64 }, open))
  return { ...none, exchanges: opened, failures, ms: performance.now() - start }
}

/** Delays of the events that come in the next while. */
export async function watch({ ms }: WatchJob): Promise<JobResult> {
  delays.length = 0
  watching = true
  await new Promise((resolve) => setTimeout(resolve, ms))
  watching = false
  const failures = held.filter((socket) => socket.destroyed).length
  return { exchanges: delays.length, failures, ms, p50: quantile(delays, 0.5), p99: quantile(delays, 0.99) }
}

export async function release(): Promise<JobResult> {
  const exchanges = held.length
  for (const socket of held.splice(0)) socket.destroy()
  return { ...none, exchanges, ms: 1 }
}

/** The other side sends or takes as many bytes as the first line says, and says so when it has them all. */
export async function bytes(job: BytesJob): Promise<JobResult> {
  const sockets = await Promise.all(Array.from({ length: job.streams }, () => dialPlain(job, job.host)))
  const each = Math.round((job.megabytes * 1e6) / job.streams)
  const start = performance.now()
  const moved = await Promise.all(
    sockets.map((socket) => (job.way === 'down' ? take(socket, each) : give(socket, each))),
  )
  const ms = performance.now() - start
  for (const socket of sockets) socket.destroy()
  const failures = moved.filter((count) => count !== each).length
  return { ...none, exchanges: moved.reduce((sum, count) => sum + count, 0) / 1e6, failures, ms }
}

export async function handshakes(job: HandshakesJob): Promise<JobResult> {
  const times: number[] = []
  let failures = 0
  const start = performance.now()
  const end = start + job.ms
  const one = async () => {
    while (performance.now() < end) {
      const begun = performance.now()
      try {
        const socket = await dial(job, job.host)
        times.push(performance.now() - begun)
        socket.end().resume()
        await once(socket, 'close')
      } catch {
        failures++
      }
    }
  }
  await Promise.all(Array.from({ length: job.concurrency }, one))
  const ms = performance.now() - start
  return { exchanges: times.length, failures, ms, p50: quantile(times, 0.5), p99: quantile(times, 0.99) }
}

// Resolves with the first event.
function streaming(socket: TLSSocket, request: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let rest = ''
    socket.on('close', () => reject(new Error('the stream ended')))
    socket.on('data', (chunk: Buffer) => {
      const now = watching ? process.hrtime.bigint() : 0n
      rest += chunk.toString('latin1')
      let from = 0
      for (const match of rest.matchAll(/"system_fingerprint":"t(\d+)"/g)) {
        if (watching) delays.push(Number(now - BigInt(match[1] as string)) / 1e6)
        from = match.index + match[0].length
        resolve()
      }
      rest = rest.slice(Math.max(from, rest.length - 400))
    })
    socket.write(request)
  })
}

function take(socket: Socket, wanted: number): Promise<number> {
  return new Promise((resolve) => {
    let count = 0
    socket.on('data', (chunk: Buffer) => {
      count += chunk.length
      if (count >= wanted) resolve(count)
    })
    socket.on('close', () => resolve(count))
    socket.write(`down ${wanted}\n`)
  })
}

async function give(socket: Socket, wanted: number): Promise<number> {
  socket.resume().write(`up ${wanted}\n`)
  const taken = once(socket, 'data').then(() => wanted)
  const gone = once(socket, 'close').then(() => 0)
  for (let left = wanted; left > 0 && !socket.destroyed; left -= block.length) {
    if (!socket.write(left < block.length ? block.subarray(0, left) : block))
      await Promise.race([once(socket, 'drain'), gone])
  }
  return Promise.race([taken, gone])
}

const none = { exchanges: 0, failures: 0, p50: Number.NaN, p99: Number.NaN }
const block = Buffer.alloc(65_536, 'bytes ')
const held: TLSSocket[] = []
const delays: number[] = []
let watching = false

// The load client of the benchmarks: raw HTTP/1.1 over TLS over CONNECT. Run as a child; takes jobs and gives results by IPC.
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import type { FreshJob, Job, JobResult, LoadJob, Route, StreamJob } from './jobs.ts'
import { chatRequest, restamp, type Payload } from './payload.ts'
import { quantile } from './report.ts'

process.on('message', (job: Job) => {
  // A proxy that hangs costs its exchanges, not the whole run.
  const patience = setTimeout(() => open.forEach((socket) => socket.destroy()), 15_000)
  const done = job.kind === 'load' ? load(job) : job.kind === 'fresh' ? fresh(job) : stream(job)
  void done
    .then(
      (result) => process.send?.({ result }),
      (cause: unknown) => process.send?.({ failed: String(cause) }),
    )
    .finally(() => clearTimeout(patience))
})
process.on('disconnect', () => process.exit(0))

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

// Sends the next variant of a request and waits for its whole answer; gives the status, or 0 when the connection ended.
function exchange(socket: TLSSocket, request: Payload, onData?: (bytes: Buffer) => void): Promise<number> {
  return new Promise((resolve) => {
    let head = ''
    let status = 0
    let missing = -1
    let tail = ''
    const finish = (result: number) => {
      socket.off('data', read).off('close', gone)
      resolve(result)
    }
    const gone = () => finish(0)
    const read = (bytes: Buffer) => {
      let { length } = bytes
      onData?.(bytes)
      if (status === 0) {
        head += bytes.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) return
        status = Number(head.slice(9, 12))
        missing = Number(/\r\ncontent-length: *(\d+)/i.exec(head.slice(0, end + 2))?.[1] ?? -1)
        length = head.length - end - 4
      }
      if (missing >= 0) {
        missing -= length
        if (missing <= 0) finish(status)
      } else if (length > 0) {
        // Answers here end in an event or in JSON, so these bytes cannot be the inside of a chunk.
        tail = (tail + bytes.toString('latin1', Math.max(0, bytes.length - 5))).slice(-5)
        if (tail === '0\r\n\r\n') finish(status)
      }
    }
    socket.on('data', read).on('close', gone)
    // The bytes are rewritten for the next request: TLS has taken its copy when write returns, unless it had to queue.
    const bytes = restamp(request, ++sent)
    socket.write(socket.writableLength > 0 || bytes.length > 8_192 ? Buffer.from(bytes) : bytes)
  })
}

async function dial(route: Route, host: string): Promise<TLSSocket> {
  const tcp = connectTcp({ port: route.proxyPort ?? route.targetPort, host: '127.0.0.1', noDelay: true })
  open.add(tcp)
  tcp.on('error', () => {}).on('close', () => open.delete(tcp))
  await once(tcp, 'connect')
  if (route.proxyPort !== null) await tunnel(tcp, authority(route, host))
  const tls = connectTls({
    socket: tcp,
    servername: host,
    secureContext: contextOf(route.ca),
    ALPNProtocols: ['http/1.1'],
  })
  tls.on('error', () => {})
  await Promise.race([
    once(tls, 'secureConnect'),
    once(tls, 'close').then(() => Promise.reject(new Error(`no TLS with ${host}`))),
  ])
  return tls
}

async function tunnel(tcp: Socket, target: string): Promise<void> {
  tcp.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`)
  const gone = once(tcp, 'close').then(() => Promise.reject(new Error(`no answer to CONNECT ${target}`)))
  gone.catch(() => {})
  let answer = ''
  while (!answer.includes('\r\n\r\n'))
    answer += String(((await Promise.race([once(tcp, 'data'), gone])) as [Buffer])[0])
  if (!/^HTTP\/1\.[01] 200 /.test(answer)) throw new Error(`CONNECT ${target}: ${answer.slice(0, 80)}`)
}

function authority(route: Route, host: string): string {
  return route.targetPort === 443 || route.proxyPort === null ? `${host}:443` : `${host}:${route.targetPort}`
}

function contextOf(ca: string): SecureContext {
  let context = contexts.get(ca)
  if (context === undefined) contexts.set(ca, (context = createSecureContext({ ca })))
  return context
}

const open = new Set<Socket>()
const contexts = new Map<string, SecureContext>()
let sent = 0

import cluster from 'node:cluster'
import type { Worker } from 'node:cluster'
import { availableParallelism } from 'node:os'
import { AggregatorRegistry } from 'prom-client'
import { SallyportError } from '../core/errors.ts'
import type { Config } from '../config/schema.ts'
import type { ConfigSource, LoadedConfig } from '../config/load.ts'
import type { Health } from '../console/server.ts'
import type { Log } from '../lib/log.ts'
import { toldOnce } from './acts.ts'
import type { Act, Tell } from './acts.ts'
import type { Running } from './console.ts'
import { startInstance } from './instance.ts'
import type { Instance } from './instance.ts'
import { addressText } from './listen.ts'
import { newShares } from './shares.ts'
import type { Holder } from './shares.ts'
import { reloader, signals } from './signals.ts'

/** What workers and their parent say to each other. */
type FromWorker =
  | ({ readonly kind: 'ready'; readonly health: Health } & Doors)
  | { readonly kind: 'failed'; readonly code: SallyportError['code']; readonly message: string; readonly hint: string }
  | { readonly kind: 'health'; readonly health: Health }
  | ({ readonly kind: 'connections' } & Connections)
  | { readonly kind: 'act'; readonly act: Act }

type Doors = { readonly proxy: readonly string[]; readonly transparent: readonly string[] }

type Connections = ReturnType<Instance['connections']>

type FromParent =
  | { readonly kind: 'reload' }
  | { readonly kind: 'stop' }
  | { readonly kind: 'share'; readonly connections: number }

/** How many processes serve the doors. */
export function workerCount({ workers }: Pick<Config, 'workers'>): number {
  return workers === 'auto' ? availableParallelism() : workers
}

/** The part of a worker: one instance, steered by the parent. Ends when the parent does. */
export async function serveAsWorker(loaded: LoadedConfig, source: ConfigSource, log: Log): Promise<number> {
  const { config } = loaded
  const registry = new AggregatorRegistry()
  const tell = (message: FromWorker): void => void (process.connected && process.send?.(message))
  try {
    const instance = await startInstance(config, log, workerCount(config), {
      tell: (act) => tell({ kind: 'act', act }),
    })
    const reloaded = reloader(loaded, source, log)
    AggregatorRegistry.setRegistries([instance.metrics.registry])
    const [proxy, transparent] = [instance.proxy.map(addressText), instance.transparent.map(addressText)]
    tell({ kind: 'ready', proxy, transparent, health: instance.health() })
    const beat = setInterval(() => tell({ kind: 'health', health: instance.health() }), 500)
    const count = countConnections(instance, tell)
    await new Promise<void>((resolve) => {
      process.once('disconnect', resolve)
      process.on('message', (message: FromParent) => {
        if (message.kind === 'stop') resolve()
        if (message.kind === 'share') instance.share(message.connections)
        if (message.kind !== 'reload') return
        const next = reloaded()
        if (next !== undefined) void instance.reload(next)
      })
      // The terminal's ^C reaches every process; the parent decides.
      void signals(log, async () => undefined)
    })
    clearInterval(beat)
    clearInterval(count)
    await instance.stop(config.shutdown.graceMs)
    return 0
  } catch (thrown) {
    if (!(thrown instanceof SallyportError)) throw thrown
    tell({ kind: 'failed', code: thrown.code, message: thrown.message, hint: thrown.hint })
    return 1
  } finally {
    registry.clear()
    process.disconnect?.()
  }
}

/** The part of the parent: starts the workers, replaces one that dies, asks them for health and metrics, and tells what they did. */
export async function supervise(count: number, log: Log, tell: Tell): Promise<Running> {
  const registry = new AggregatorRegistry()
  const health = new Map<number, Health>()
  const share = sharing(count)
  const heard = toldOnce(tell)
  let stopping = false
  let wait = 100

  const start = (): Promise<Doors> =>
    new Promise((resolve, reject) => {
      const worker = cluster.fork({ SALLYPORT_WORKER: '1' })
      const began = Date.now()
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'health') health.set(worker.id, message.health)
        if (message.kind === 'connections') share(worker.id, message)
        if (message.kind === 'act') heard(worker.id, message.act)
        if (message.kind === 'ready') {
          health.set(worker.id, message.health)
          resolve(message)
        }
        if (message.kind === 'failed') reject(new SallyportError(message.code, message.message, { hint: message.hint }))
      })
      worker.once('exit', (code, signal) => {
        health.delete(worker.id)
        share(worker.id, undefined)
        reject(new SallyportError('internal_error', `a worker ended with ${signal ?? code}`))
        if (stopping || began === 0) return
        log.error({ worker: worker.process.pid, code, signal }, 'a worker died and is replaced')
        tell({ what: 'worker.died', subject: String(worker.process.pid), before: { code, signal } })
        wait = Date.now() - began > 10_000 ? 100 : Math.min(wait * 2, 10_000)
        setTimeout(() => stopping || start().catch(() => undefined), wait).unref()
      })
    })

  let doors: Doors = { proxy: [], transparent: [] }
  try {
    const started = await Promise.all(Array.from({ length: count }, start))
    doors = started[0] ?? doors
  } catch (error) {
    stopping = true
    for (const worker of alive()) worker.process.kill('SIGKILL')
    throw error
  }
  return {
    proxy: doors.proxy,
    transparent: doors.transparent,
    health: () => worst(health, count),
    metrics: async () => ({ contentType: registry.contentType, body: await registry.clusterMetrics() }),
    async reload() {
      for (const worker of alive()) tellWorker(worker, { kind: 'reload' })
    },
    async stop(graceMs) {
      stopping = true
      const ended = alive().map((worker) => new Promise<void>((resolve) => worker.once('exit', () => resolve())))
      for (const worker of alive()) tellWorker(worker, { kind: 'stop' })
      await Promise.race([
        Promise.all(ended),
        new Promise((resolve) => void setTimeout(resolve, graceMs + 5_000).unref()),
      ])
      for (const worker of alive()) worker.process.kill('SIGKILL')
    },
  }
}

/** Tells the parent how many connections there are, when that has changed. */
function countConnections(instance: Instance, tell: (message: FromWorker) => void): NodeJS.Timeout {
  let told = ''
  return setInterval(() => {
    const connections = instance.connections()
    const now = Object.values(connections).join()
    if (now !== told) tell({ kind: 'connections', ...connections })
    told = now
  }, countEveryMs)
}

/** Divides the limit of connections among the workers anew when one says how many it has, or is gone. */
function sharing(count: number): (worker: number, connections: Connections | undefined) => void {
  const holders = new Map<number, Holder>()
  let limit = 0
  return (id, connections) => {
    const told = holders.get(id)?.told
    if (connections === undefined) holders.delete(id)
    else {
      limit = connections.limit
      const { open, share } = connections
      holders.set(id, { open, share, told: told === share ? undefined : told })
    }
    const all = alive()
    const workers = all.filter((worker) => holders.has(worker.id))
    // One that has said nothing yet has what it began with.
    const silent = (all.length - workers.length) * Math.max(1, Math.floor(limit / count))
    const next = newShares(
      limit - silent,
      workers.map((worker) => holders.get(worker.id) as Holder),
    )
    for (const [i, worker] of workers.entries()) {
      const share = next[i]
      if (share === undefined) continue
      holders.set(worker.id, { ...(holders.get(worker.id) as Holder), told: share })
      tellWorker(worker, { kind: 'share', connections: share })
    }
  }
}

function alive(): Worker[] {
  return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined)
}

/** A worker that is just dying cannot be told anything: its exit says the rest. */
function tellWorker(worker: Worker, message: FromParent): void {
  if (worker.isConnected()) worker.process.send?.(message, () => undefined)
}

/** Ready when every worker is; what any of them has to say is said. */
function worst(health: ReadonlyMap<number, Health>, count: number): Health {
  const all = [...health.values()]
  const unique = (pick: (one: Health) => readonly string[]): string[] => [...new Set(all.flatMap(pick))]
  const missing = count - all.length
  const reasons = [
    ...unique(({ reasons: some }) => some),
    ...(missing > 0 ? [`workers: ${missing} of ${count} not running`] : []),
  ]
  return {
    ready: reasons.length === 0,
    reasons,
    warnings: unique(({ warnings }) => warnings),
    facts: all[0]?.facts ?? {},
  }
}

const countEveryMs = 100

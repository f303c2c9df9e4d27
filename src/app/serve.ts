import cluster from 'node:cluster'
import { loadWithOrigins } from '../config/load.ts'
import { laterKeys } from '../config/later.ts'
import type { ConfigSource } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import type { Health } from '../console/server.ts'
import { openLog } from '../lib/log.ts'
import type { Log } from '../lib/log.ts'
import { programStart, tellTo } from './acts.ts'
import type { Tell } from './acts.ts'
import { openConsole } from './console.ts'
import type { Running } from './console.ts'
import { addressText } from './listen.ts'
import { startInstance } from './instance.ts'
import { openKeeper } from './keeper.ts'
import { firstSteps } from './hints.ts'
import { prepare } from './prepare.ts'
import { openRecorder } from './rooms.ts'
import { reloader, signals } from './signals.ts'
import { agentChannel, tellAgent } from './supervised.ts'
import { serveAsWorker, supervise, workerCount } from './workers.ts'

export type ServeOptions = {
  readonly source: ConfigSource
  /** Prints lines for a person; `first`: nothing was there before. */
  readonly say: (lines: readonly string[], first: boolean) => void
}

/** Runs the doors until a signal ends them; resolves with the exit status. */
export async function serve(options: ServeOptions): Promise<number> {
  const loaded = loadWithOrigins(options.source)
  const { config } = loaded
  const log = await openLog(config.log)
  if (cluster.isWorker) return serveAsWorker(loaded, options.source, log)
  const agent = agentChannel()
  const waiting = laterKeys(config)
  if (waiting.length > 0) log.warn({ keys: waiting }, 'set, but not yet in force')
  const { authority, created } = await prepare(config, log)
  const workers = workerCount(config)
  const running = workers === 1 ? await single(config, log) : await several(workers, config, log)
  const { tell } = running
  if (created) tell({ what: 'ca.init', subject: authority.fingerprint, after: { name: authority.name } })
  const { policy } = (await running.health()).facts
  tell(programStart(config, { command: 'serve', workers, policy, ca: authority.fingerprint }))
  let stopping = false
  const keeper = openKeeper(config, log)
  const health = async () => {
    const now = await running.health()
    const warned = { ...now, warnings: [...now.warnings, ...keeper.warnings()] }
    return stopping ? ending(warned) : warned
  }
  const metrics = async () => {
    const { contentType, body } = await running.metrics()
    return { contentType, body: body + (await keeper.metrics()) }
  }
  const console = await openConsole(config, { ...running, health, metrics }, tell).catch(async (error: unknown) => {
    await running.stop(0)
    await keeper.close()
    throw error
  })
  const { proxy, transparent = [] } = running
  const listens = transparent.length === 0 ? { proxy } : { proxy, transparent }
  log.info({ ...listens, console: console.address, workers, ca: authority.fingerprint }, 'ready')
  options.say(firstSteps({ config, proxy: proxy[0] ?? '', console: console.address, created }), created)
  const reloaded = reloader(loaded, options.source, log, tell)
  const signalled = signals(log, async () => {
    const next = reloaded()
    if (next === undefined) return
    keeper.reload(next)
    console.reload(next)
    await running.reload(next)
  })
  const signal = await (agent === undefined ? signalled : tellAgent(agent, { health, tell, end: signalled }))
  stopping = true
  log.info({ signal }, 'stopping')
  tell({ what: 'program.stop', after: { signal } })
  await running.stop(config.shutdown.graceMs)
  await keeper.close()
  await console.close()
  log.info({}, 'stopped')
  return 0
}

/** The doors are shut; what is in flight goes on. */
function ending(health: Health): Health {
  return { ...health, ready: false, reasons: ['stopping', ...health.reasons] }
}

/** The parent has no exchanges: its recorder is for what the program itself did. */
async function several(count: number, config: Config, log: Log): Promise<Running & { readonly tell: Tell }> {
  const recorder = openRecorder(config, log)
  const tell = tellTo(recorder)
  const close = async (): Promise<void> => recorder.close().catch(() => undefined)
  const running = await supervise(count, log, tell).catch(async (error: unknown) => {
    await close()
    throw error
  })
  const stop = async (graceMs: number): Promise<void> => {
    await running.stop(graceMs)
    await close()
  }
  return { ...running, stop, tell }
}

async function single(config: Config, log: Log): Promise<Running & { readonly tell: Tell }> {
  const instance = await startInstance(config, log)
  return {
    proxy: instance.proxy.map(addressText),
    transparent: instance.transparent.map(addressText),
    health: instance.health,
    metrics: async () => ({
      contentType: instance.metrics.registry.contentType,
      body: await instance.metrics.registry.metrics(),
    }),
    reload: instance.reload,
    stop: instance.stop,
    tell: tellTo(instance.recorder),
  }
}

import cluster from 'node:cluster'
import { loadConfig } from '../config/load.ts'
import { laterKeys } from '../config/later.ts'
import type { ConfigSource } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import type { Health } from '../console/server.ts'
import { openLog } from '../lib/log.ts'
import type { Log } from '../lib/log.ts'
import { openConsole } from './console.ts'
import { addressText } from './listen.ts'
import { startInstance } from './instance.ts'
import { openKeeper } from './keeper.ts'
import { firstSteps } from './hints.ts'
import { prepare } from './prepare.ts'
import { reloaded, signals } from './signals.ts'
import { serveAsWorker, supervise, workerCount } from './workers.ts'

export type ServeOptions = {
  readonly source: ConfigSource
  /** Prints lines for a person; `first`: nothing was there before. */
  readonly say: (lines: readonly string[], first: boolean) => void
}

/** Runs the doors until a signal ends them; resolves with the exit status. */
export async function serve(options: ServeOptions): Promise<number> {
  const config = loadConfig(options.source)
  const log = await openLog(config.log)
  if (cluster.isWorker) return serveAsWorker(config, options.source, log)
  const waiting = laterKeys(config)
  if (waiting.length > 0) log.warn({ keys: waiting }, 'set, but not yet in force')
  const { authority, created } = await prepare(config, log)
  const workers = workerCount(config)
  const running = workers === 1 ? await single(config, log) : await supervise(workers, log)
  let stopping = false
  const health = async () => (stopping ? ending(await running.health()) : running.health())
  const keeper = openKeeper(config, log)
  const metrics = async () => {
    const { contentType, body } = await running.metrics()
    return { contentType, body: body + (await keeper.metrics()) }
  }
  const console = await openConsole(config, { ...running, health, metrics }).catch(async (error: unknown) => {
    await running.stop(0)
    await keeper.close()
    throw error
  })
  log.info({ proxy: running.proxy, console: console.address, workers, ca: authority.fingerprint }, 'ready')
  options.say(firstSteps({ config, proxy: running.proxy[0] ?? '', console: console.address, created }), created)
  const signal = await signals(log, async () => {
    const next = reloaded(config, options.source, log)
    if (next === undefined) return
    keeper.reload(next)
    await running.reload(next)
  })
  stopping = true
  log.info({ signal }, 'stopping')
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

async function single(config: Config, log: Log) {
  const instance = await startInstance(config, log)
  return {
    proxy: instance.proxy.map(addressText),
    health: instance.health,
    metrics: async () => ({
      contentType: instance.metrics.registry.contentType,
      body: await instance.metrics.registry.metrics(),
    }),
    reload: instance.reload,
    stop: instance.stop,
  }
}

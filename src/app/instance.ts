import { setImmediate } from 'node:timers/promises'
import { sharedLimiter } from '../access/limiter.ts'
import type { Recorder } from '../audit/recorder.ts'
import { untilRestart } from '../config/reload.ts'
import type { Config } from '../config/schema.ts'
import type { Health } from '../console/server.ts'
import type { Budget } from '../http/budget.ts'
import type { Log } from '../lib/log.ts'
import { createMetrics } from '../metrics/metrics.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { PolicyWatch } from '../policy/watch.ts'
import { proxyDoor } from '../proxy/server.ts'
import type { ProxyDoor } from '../proxy/server.ts'
import type { Authority } from '../tls/authority.ts'
import { policyRefused, tellTo } from './acts.ts'
import type { Tell } from './acts.ts'
import { openAttestation } from './attestation.ts'
import { openCa } from './authority.ts'
import { bodyKeys } from './body-keys.ts'
import { listen } from './listen.ts'
import type { Address } from './listen.ts'
import { expectShortLives, releaseStartupMemory } from './memory.ts'
import { openPolicies } from './policies.ts'
import { openPrincipals } from './principals.ts'
import { proxyParts } from './proxy.ts'
import { engineRooms, openBudget, openRecorder, openShelf } from './rooms.ts'
import { hopId, placeholderKey } from './secrets.ts'
import { openTransparent } from './transparent.ts'

/** One process that serves the doors. */
export type Instance = {
  /** Where the proxy listens. */
  readonly proxy: readonly Address[]
  /** Where it takes redirected connections. */
  readonly transparent: readonly Address[]
  readonly authority: Authority
  readonly metrics: Metrics
  readonly recorder: Recorder
  readonly health: () => Health
  /** Those it has, how many it may have, and the limit of all processes together. */
  readonly connections: () => { readonly open: number; readonly share: number; readonly limit: number }
  /** How many connections it may have of the limit that all processes have together. */
  readonly share: (connections: number) => void
  /** Takes a new configuration; policies are read anew too. */
  readonly reload: (config: Config) => Promise<void>
  /** Stops accepting, lets what is in flight finish for at most `graceMs`, flushes the ledger. */
  readonly stop: (graceMs: number) => Promise<void>
}

/** Builds rooms and doors from a configuration and opens them: everything, or nothing is left open. */
export async function startInstance(
  first: Config,
  log: Log,
  processes = 1,
  parts: { readonly recorderFor?: typeof openRecorder; readonly tell?: Tell } = {},
): Promise<Instance> {
  await using undo = new AsyncDisposableStack()
  let config = first
  const metrics = createMetrics()
  const [bodyKey] = bodyKeys(first, (message) => log.warn({}, message))
  const recorder = (parts.recorderFor ?? openRecorder)(first, log, bodyKey)
  undo.defer(() => recorder.close())
  const tell = parts.tell ?? tellTo(recorder)
  let inForce: string | undefined
  let policyChanged = (): void => undefined
  const policyLoaded = (digest: string): void => {
    metrics.policyReloads.inc({ outcome: 'loaded' })
    metrics.policyLoadedAt.set(Date.now() / 1_000)
    log.info({ policy: digest }, 'policies reloaded')
    tell({ what: 'policy.reload', before: { digest: inForce }, after: { digest } })
    inForce = digest
    policyChanged()
  }
  const limiter = sharedLimiter({ dir: first.data.dir, now: Date.now })
  undo.defer(() => limiter.close())
  const policies = await openPolicies(
    first,
    (set) => policyLoaded(set.digest),
    (error) => {
      metrics.policyReloads.inc({ outcome: 'refused' })
      log.error({ code: error.code, problems: error.message }, 'policies not reloaded: the old ones stay in force')
      tell(policyRefused(error.code, error.message))
    },
    limiter.take,
  )
  undo.defer(() => policies.close())
  inForce = policies.current().digest
  const { authority } = await openCa(first, policies.current().inspectedHosts, (message) => log.warn({}, message))
  metrics.policyLoadedAt.set(policies.loadedAt() / 1_000)
  const budget = openBudget({ config: () => config, processes, metrics, log })
  const watched = watchMetrics(metrics, recorder, budget)
  undo.defer(() => clearInterval(watched))
  const placeholders = openShelf(first.data.dir, log)
  undo.defer(() => placeholders.close())
  const key = await placeholderKey(first.data.dir)
  const rooms = engineRooms({
    placeholders,
    bodyKey,
    config: () => config,
    policy: policies.current,
    recorder,
    budget,
    metrics,
    log,
    key,
  })
  const principals = await openPrincipals(first.data.dir, log)
  undo.defer(() => principals.close())
  const { principalOf } = principals
  const own = [...first.proxy.listen, ...first.proxy.transparent, ...first.console.listen]
  const redirected = openTransparent(first, log)
  const attestation = openAttestation({ dir: first.data.dir, config: () => config, log })
  undo.defer(() => attestation.close())
  const proxy = proxyParts({
    processes,
    config: () => config,
    own: () => own,
    rooms,
    metrics,
    log,
    authority,
    principalOf,
    attestation,
    opened: redirected?.opened,
    hop: hopId(key),
  })
  undo.defer(() => proxy.close())
  policyChanged = proxy.policyChanged
  const explicit = await openDoors(first.proxy.listen, () => proxyDoor(proxy.parts), undo)
  // By turns, a connection of its own that comes back would never meet the process that knows it.
  const apart = processes > 1 && process.platform === 'linux'
  const transparent = await openDoors(
    first.proxy.transparent,
    () => proxyDoor(proxy.parts, redirected?.transparent),
    undo,
    apart,
  )
  const doors = [...explicit, ...transparent]
  // Where port 0 was asked for, the port is known only now.
  own.push(...doors.map(({ address }) => address))
  undo.move()
  expectShortLives()
  releaseStartupMemory()
  return {
    proxy: explicit.map(({ address }) => address),
    transparent: transparent.map(({ address }) => address),
    authority,
    metrics,
    recorder,
    connections: () => ({
      open: proxy.parts.connections.open,
      share: proxy.parts.maxConnections,
      limit: config.limits.connections,
    }),
    share: proxy.share,
    health: () => healthOf(policies, recorder, authority, config),
    async reload(next) {
      config = untilRestart(first, next)
      log.level = next.log.level
      proxy.reload()
      await policies.reload()
    },
    async stop(graceMs) {
      policies.close()
      clearInterval(watched)
      const drained = Promise.all(doors.map(({ door }) => door.drain()))
      await Promise.race([drained, new Promise((resolve) => void setTimeout(resolve, graceMs).unref())])
      for (const { door } of doors) door.destroy()
      // What was cut off is recorded, too: its connections close first.
      const late = Promise.withResolvers<void>()
      const timer = setTimeout(late.resolve, cutOffMs)
      await Promise.race([drained, late.promise])
      clearTimeout(timer)
      await setImmediate()
      await proxy.close()
      principals.close()
      attestation.close()
      limiter.close()
      placeholders.close()
      await recorder
        .close()
        .catch((error: unknown) => log.error({ err: error }, 'rows were lost: the ledger could not be written'))
    },
  }
}

const cutOffMs = 1_000

async function openDoors(
  addresses: readonly Address[],
  make: () => ProxyDoor,
  undo: AsyncDisposableStack,
  apart = false,
): Promise<{ door: ProxyDoor; address: Address }[]> {
  const doors: { door: ProxyDoor; address: Address }[] = []
  for (const wanted of addresses) {
    const door = make()
    doors.push({ door, address: await listen(door.server, wanted, apart) })
    undo.defer(() => {
      void door.drain()
      door.destroy()
    })
  }
  return doors
}

function watchMetrics(metrics: Metrics, recorder: Recorder, budget: Budget): NodeJS.Timeout {
  let rows = 0
  let givenUp = 0
  return setInterval(() => {
    const stats = recorder.stats()
    metrics.bodyBytes.set(budget.used)
    metrics.ledgerQueue.set(stats.queued)
    metrics.ledgerRows.inc(stats.rows - rows)
    metrics.ledgerCommit.set((stats.lastCommitMs ?? 0) / 1_000)
    metrics.ledgerGivenUp.inc(stats.refused - stats.turnedAway - givenUp)
    rows = stats.rows
    givenUp = stats.refused - stats.turnedAway
  }, 1_000).unref()
}

function healthOf(policies: PolicyWatch, recorder: Recorder, authority: Authority, config: Config): Health {
  const reasons: string[] = []
  const warnings: string[] = []
  const trouble = recorder.problem()
  if (trouble !== undefined) reasons.push(`ledger: cannot be written: ${trouble}`)
  if (authority.notAfter - Date.now() < 7 * 86_400_000) reasons.push('ca: expires within 7 days')
  const problem = policies.problem()
  if (problem !== undefined) warnings.push(`policies: the files as they are now are not in force: ${problem.message}`)
  return {
    ready: reasons.length === 0,
    reasons,
    warnings,
    facts: { policy: policies.current().digest, ca: authority.fingerprint, auth: config.proxy.auth },
  }
}

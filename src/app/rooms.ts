import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { bodyKeeper } from '../audit/bodies/body.ts'
import { startRecorder } from '../audit/recorder.ts'
import type { Recorder, RecorderNotice } from '../audit/recorder.ts'
import type { SealKey } from '../audit/bodies/seal.ts'
import type { Config } from '../config/schema.ts'
import type { Rooms } from '../engine/exchange.ts'
import { Budget } from '../http/budget.ts'
import { spools } from '../http/spool.ts'
import { createMemo } from '../inspect/memo.ts'
import { createVault, vaultKeyFor } from '../inspect/tokens.ts'
import type { Shelf } from '../inspect/shelf.ts'
import type { Vault } from '../inspect/tokens.ts'
import type { Log } from '../lib/log.ts'
import { lru } from '../lib/lru.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { PolicySet } from '../policy/compile.ts'
import { openPlaceholders } from '../store/placeholders.ts'
import type { Placeholders } from '../store/placeholders.ts'

/** The ledger's writer for this process; what it has to say goes to log and metrics. `bodyKey` seals stored bodies. */
export function openRecorder(config: Config, log: Log, bodyKey?: SealKey): Recorder {
  return startRecorder({
    key: bodyKey,
    dir: config.data.dir,
    durability: config.audit.durability,
    inlineBytes: config.audit.bodies.inlineBytes,
    notice: (notice) => logNotice(log, notice),
  })
}

function logNotice(log: Log, notice: RecorderNotice): void {
  const { kind, ...fields } = notice
  if (kind === 'lost') log.warn(fields, 'exchanges of an earlier run were left open and are marked lost')
  else log.warn({ notice: kind, ...fields }, 'ledger')
}

/** The memory for bodies in one of `processes`, and the place on disk for those that find no room in it. */
export function openBudget(parts: {
  readonly config: () => Config
  readonly processes: number
  readonly metrics: Metrics
  readonly log: Log
}): Budget {
  const { config, metrics, log } = parts
  const limit = (): number => Math.max(1, Math.floor(config().limits.bufferedBytes / parts.processes))
  const files = spools({
    dir: join(config().data.dir, 'spool'),
    maxFiles: 1_000,
    maxBytes: () => Math.max(2 ** 30, 8 * limit()),
    failed: (cause) => log.error({ err: cause }, 'a body could not be kept on disk: its exchange is refused'),
  })
  void files.sweep()
  return new Budget({
    limit,
    spools: files,
    maxWaiting: 1_000,
    waitMs: 20_000,
    notice: (outcome) => metrics.bodiesWithoutRoom.inc({ outcome }),
  })
}

/** Where placeholders survive a restart, for all processes: sealed, for a week after their last use. */
export function openShelf(dir: string, log: Log): Placeholders {
  const failed = (cause: unknown): void => log.warn({ err: cause }, 'placeholders cannot be kept for later')
  return openPlaceholders({ dir, now: Date.now, keepMs: 7 * 86_400_000, maxRows: 200_000, failed })
}

/** What a tenant is called there: not who it is. */
export const tenantName = (tenant: string): string =>
  createHash('sha256').update(tenant).digest('base64url').slice(0, 16)

/** A tenant's part of it. Whether it is empty is asked for every answer: what was true a moment ago will do. */
export function shelfOf(placeholders: Placeholders, tenant: string, now: () => number): Shelf {
  const name = tenantName(tenant)
  let empty = true
  let askedAt = -Infinity
  return {
    put: (placeholder, sealed) => placeholders.put(name, placeholder, sealed),
    find: placeholders.find,
    empty() {
      if (!empty || now() - askedAt < 250) return empty
      askedAt = now()
      return (empty = placeholders.empty(name))
    },
  }
}

/** What the spine works with. `config` and `policy` are asked each time, so that a reload takes effect at once. */
export function engineRooms(parts: {
  readonly config: () => Config
  readonly policy: () => PolicySet
  readonly recorder: Recorder
  readonly budget: Budget
  readonly metrics: Metrics
  readonly log: Log
  readonly key: Uint8Array
  readonly placeholders?: Placeholders
  /** Seals stored bodies: the recorder's. */
  readonly bodyKey?: SealKey | undefined
}): Rooms {
  const synced = new Set<string>()
  const vaults = lru<string, Vault>({ max: 1_000 })
  const { metrics } = parts
  const memo = createMemo({
    key: randomBytes(32),
    maxBytes: memoBytes,
    used(hits, misses) {
      if (hits > 0) metrics.rememberedTexts('hit').inc(hits)
      if (misses > 0) metrics.rememberedTexts('miss').inc(misses)
      metrics.memoBytes.set(memo.bytes())
    },
  })
  return {
    policy: parts.policy,
    recorder: parts.recorder,
    budget: parts.budget,
    metrics,
    log: parts.log,
    vault(tenant) {
      const known = vaults.get(tenant)
      if (known !== undefined) return known
      const { placeholders } = parts
      const shelf = placeholders && shelfOf(placeholders, tenant, Date.now)
      const vault = createVault({ key: vaultKeyFor(parts.key, tenant), maxEntries: 20_000, ...(shelf && { shelf }) })
      vaults.set(tenant, vault)
      return vault
    },
    memo: memo.of,
    keeper(id, side) {
      const { data, audit } = parts.config()
      const sync = audit.durability === 'power'
      return bodyKeeper({ ...audit.bodies, dir: data.dir, id, side, sync, key: parts.bodyKey, synced })
    },
    get inspectBytes() {
      return parts.config().limits.inspectBytes
    },
    get markers() {
      return parts.config().proxy.markers
    },
    get whenUnavailable() {
      return parts.config().audit.whenUnavailable
    },
    get store() {
      const { bodies } = parts.config().audit
      return bodies.capture ? bodies.store : 'none'
    },
  }
}

// What was found in some 100,000 texts.
const memoBytes = 33_554_432

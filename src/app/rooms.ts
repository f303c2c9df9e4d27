import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { bodyKeeper } from '../audit/body.ts'
import { startRecorder } from '../audit/recorder.ts'
import type { Recorder, RecorderNotice } from '../audit/recorder.ts'
import type { Config } from '../config/schema.ts'
import type { Rooms } from '../engine/exchange.ts'
import { Budget } from '../http/budget.ts'
import { spools } from '../http/spool.ts'
import { createMemo } from '../inspect/memo.ts'
import { createVault, vaultKeyFor } from '../inspect/tokens.ts'
import type { Vault } from '../inspect/tokens.ts'
import type { Log } from '../lib/log.ts'
import { lru } from '../lib/lru.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { PolicySet } from '../policy/compile.ts'

/** The ledger's writer for this process; what it has to say goes to log and metrics. */
export function openRecorder(config: Config, log: Log): Recorder {
  return startRecorder({
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

/** What the spine works with. `config` and `policy` are asked each time, so that a reload takes effect at once. */
export function engineRooms(parts: {
  readonly config: () => Config
  readonly policy: () => PolicySet
  readonly recorder: Recorder
  readonly budget: Budget
  readonly metrics: Metrics
  readonly log: Log
  readonly key: Uint8Array
}): Rooms {
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
      const vault = createVault({ key: vaultKeyFor(parts.key, tenant), maxEntries: 20_000 })
      vaults.set(tenant, vault)
      return vault
    },
    memo: memo.of,
    keeper(id, side) {
      const { data, audit } = parts.config()
      return bodyKeeper({ ...audit.bodies, dir: data.dir, id, side, sync: audit.durability === 'power' })
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

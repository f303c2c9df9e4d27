import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import { identityOf } from '../store/identity.ts'
import { isBusy, openSpent, spentPath } from './spent-tokens.ts'
import type { Boot, Spent, Spending, SpentTokens } from './spent-tokens.ts'

export type ReplayGuard = {
  /**
   * Counts a token: `new` for one asker in all processes and for ever; `unavailable` when that cannot be known or written, or when
   * there is no room. It never rejects.
   */
  readonly spend: (token: Spending) => Promise<Spent>
  readonly close: () => void
}

/**
 * Remembers the attestations that were spent, for all processes that share the folder, exactly, in a database of its own. What asks in one
 * turn of the loop, or soon after the last decision, is decided in one transaction; who finds the database locked tries again and blocks
 * nobody. What it holds outlives every process. Nothing is synced: after a loss of power a new database begins, and what could have been
 * spent before is `replayed`.
 */
export function replayGuard(options: {
  readonly dir: string
  readonly now: () => number
  /** How many tokens that are still good it holds; then it refuses. */
  readonly maxRows?: number
  readonly boot?: Boot
}): ReplayGuard {
  const { now } = options
  const tokens = heldOpen(options)
  let waiting: Asked[] = []
  let timer: NodeJS.Timeout | undefined
  let tries = 0
  let closed = false
  let decidedAt = -Infinity

  const refuseAll = (): void => waiting.splice(0).forEach(({ resolve }) => resolve('unavailable'))
  function decide(): void {
    if (waiting.length === 0) return
    const asked = waiting.slice(0, BATCH)
    decidedAt = performance.now()
    try {
      const spent = tokens.current().spend(
        asked.map(({ token }) => token),
        now(),
      )
      waiting = waiting.slice(asked.length)
      tries = 0
      asked.forEach(({ resolve }, i) => resolve(spent[i] as Spent))
      if (waiting.length > 0) setImmediate(decide)
    } catch (thrown) {
      if (isBusy(thrown) && tries++ < MAX_TRIES) {
        timer = setTimeout(decide, RETRY_MS)
        return
      }
      tries = 0
      tokens.failed()
      refuseAll()
    }
  }

  return {
    spend(token) {
      if (closed || waiting.length >= MAX_WAITING) return Promise.resolve('unavailable')
      return new Promise((resolve) => {
        waiting.push({ token, resolve })
        if (waiting.length > 1) return
        const wait = decidedAt + GATHER_MS - performance.now()
        if (wait > 0) timer = setTimeout(decide, wait)
        else setImmediate(decide)
      })
    },
    close() {
      closed = true
      clearTimeout(timer)
      refuseAll()
      tokens.close()
    },
  }
}

type Asked = { readonly token: Spending; readonly resolve: (spent: Spent) => void }

/** The database, opened again when it failed or when another file took its place, whose memory is then not trusted to be whole. */
function heldOpen(options: Parameters<typeof replayGuard>[0]): {
  readonly current: () => SpentTokens
  readonly failed: () => void
  readonly close: () => void
} {
  const { dir, now, maxRows = MAX_ROWS, boot = thisBoot() } = options
  const path = spentPath(dir, boot)
  let open: SpentTokens | undefined
  let known: string | undefined
  let seenAt = -Infinity
  let failedAt = -Infinity
  const close = (): void => {
    open?.close()
    open = undefined
  }
  const current = (): SpentTokens => {
    const isKnown = identityOf(path) === known
    if (isKnown) seenAt = performance.now()
    if (open !== undefined && isKnown) return open
    close()
    const ago = now() - failedAt
    if (ago >= 0 && ago < REOPEN_MS) throw new Error('it has failed a moment ago')
    const lost = isKnown || known === undefined ? undefined : boot.uptime() - (performance.now() - seenAt)
    open = openSpent({ dir, boot, maxRows, lost })
    known = identityOf(path)
    seenAt = performance.now()
    return open
  }
  const failed = (): void => {
    close()
    failedAt = now()
  }
  try {
    // Not with the first token only: what could have been spent before this moment may be lost.
    current()
  } catch {
    // The first token finds out.
  }
  return { current, failed, close }
}

/** Linux names each start of the machine. */
function thisBoot(): Boot {
  return { id: bootId(), uptime: () => uptime() * 1_000 }
}

function bootId(): string | null {
  try {
    const id = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return /^[0-9a-f-]{36}$/.test(id) ? id : null
  } catch {
    return null
  }
}

const MAX_ROWS = 1_000_000
const BATCH = 64
const MAX_WAITING = 10_000
const RETRY_MS = 2
// A transaction costs as much as all the rest of an attestation, and hardly more with several tokens in it.
const GATHER_MS = 4
const MAX_TRIES = 1_000
const REOPEN_MS = 1_000

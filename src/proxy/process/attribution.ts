import { networkInterfaces } from 'node:os'
import { plainAddress } from '../../lib/ip.ts'
import type { Finder, OpenFinder, Told } from './finder.ts'
import type { Ends } from './socket-table.ts'

/** Finds out which programs of this machine opened connections, where the system tells: on Linux, from /proc. */
export type Attribution = {
  /** Begins to look, when the client is on this machine and there is room; undefined otherwise. Never blocks, never fails. */
  readonly lookFor: (ends: Ends) => Sought | undefined
  readonly close: () => void
}

/** What is known of a program that is being looked for. */
export type Sought = {
  /** Null as long as it is not known, and where it cannot be known. */
  readonly program: () => string | null
  /** Resolves when there is no more to wait for, after `maxWaitMs` at the latest; undefined when there is nothing to wait for. */
  readonly settled: () => Promise<void> | undefined
}

/**
 * The looking is done by another, `finder`, which begins with the first client of this machine and ends when none came for a minute.
 * `platform` is what this runs on.
 */
export function attribution(options: {
  readonly platform: NodeJS.Platform
  readonly now: () => number
  readonly maxWaitMs?: number
  readonly idleMs?: number
  readonly finder: OpenFinder
}): Attribution {
  const { platform, now, maxWaitMs = MAX_WAIT_MS, idleMs = IDLE_MS, finder } = options
  const isLocal = localAddresses(now)
  /** What the thread is looking for now, and what it is given next. */
  let asked: readonly Tell[] = []
  let waiting: { readonly ends: Ends; readonly tell: Tell }[] = []
  let current: Finder | undefined
  let idle: NodeJS.Timeout | undefined
  let resting: NodeJS.Timeout | undefined
  let startsFrom = 0

  const ask = (): void => {
    resting = undefined
    if (waiting.length === 0 || current === undefined) return
    asked = waiting.map(({ tell }) => tell)
    const ends = waiting.map((one) => one.ends)
    waiting = []
    current.ask(ends)
  }
  const told = ({ programs, restMs }: Told): void => {
    for (const [i, tell] of asked.entries()) tell(programs[i] ?? null)
    asked = []
    resting = setTimeout(ask, restMs).unref()
  }
  const ended = (): void => {
    current = undefined
    clearTimeout(idle)
    clearTimeout(resting)
    resting = undefined
    for (const tell of [...asked, ...waiting.map((one) => one.tell)]) tell(null)
    asked = []
    waiting = []
  }
  const start = (): Finder => {
    const isCurrent = (): boolean => current === opened
    const opened: Finder = finder({
      told: (answer) => isCurrent() && told(answer),
      ended(why) {
        // One that fails is tried again later; nobody is told a program until then.
        if (why === 'failed') startsFrom = now() + AGAIN_MS
        if (isCurrent()) ended()
      },
    })
    idle = setTimeout(() => {
      if (asked.length + waiting.length > 0) return void idle?.refresh()
      ended()
      opened.close()
    }, idleMs).unref()
    return opened
  }
  return {
    lookFor(ends) {
      if (platform !== 'linux' || asked.length + waiting.length >= MAX_OPEN || now() < startsFrom) return undefined
      if (ends.client.address !== ends.server?.address && !isLocal(ends.client.address)) return undefined
      current ??= start()
      idle?.refresh()
      const { tell, sought } = seeking(maxWaitMs)
      waiting.push({ ends, tell })
      if (asked.length === 0 && resting === undefined) ask()
      return sought
    },
    close() {
      const last = current
      // Rows that wait for a name are written now.
      ended()
      last?.close()
    },
  }
}

type Tell = (program: string | null) => void

function seeking(maxWaitMs: number): { readonly tell: Tell; readonly sought: Sought } {
  let name: string | null = null
  let over: Promise<void> | undefined
  let settle: (() => void) | undefined
  let done = false
  const tell: Tell = (program) => {
    name = program
    done = true
    settle?.()
  }
  const wait = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => settle?.(), maxWaitMs)
      settle = () => {
        done = true
        clearTimeout(timer)
        resolve()
      }
    })
  return { tell, sought: { program: () => name, settled: () => (done ? undefined : (over ??= wait())) } }
}

/** Whether an address is one of this machine's; which those are is asked anew after a while. */
function localAddresses(now: () => number): (address: string) => boolean {
  let own: ReadonlySet<string> = new Set()
  let until = -Infinity
  return (address) => {
    if (address.startsWith('127.') || address === '::1') return true
    if (now() >= until) {
      const all = Object.values(networkInterfaces()).flatMap((some) => some ?? [])
      own = new Set(all.map((one) => plainAddress(one.address)))
      until = now() + ADDRESSES_MS
    }
    return own.has(address)
  }
}

const MAX_WAIT_MS = 250
const IDLE_MS = 60_000
const AGAIN_MS = 60_000
const ADDRESSES_MS = 10_000
const MAX_OPEN = 1_000

import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { identityOf } from '../../store/identity.ts'
import { takeLease } from '../../store/lease.ts'
import { databasePath, makePrivateFolder, openStore } from '../../store/open.ts'
import { chores } from './chore-list.ts'
import type { ChoreContext, KeeperSettings, Labels } from './chores.ts'
import { backOffMs, reasonOf, roundsOf } from './keeper-rounds.ts'

// The thread that keeps the ledger. Of all threads of a data folder the one with the lease works; the others ask again every second.

export type ToKeeper =
  | { readonly kind: 'settings'; readonly settings: KeeperSettings }
  /** Ends the thread, after a last round of at most `lastMs`. */
  | { readonly kind: 'close'; readonly lastMs: number }

export type FromKeeper =
  | {
      readonly kind: 'notice'
      readonly level: 'info' | 'warn' | 'error'
      readonly message: string
      readonly fields: Readonly<Record<string, unknown>>
    }
  | { readonly kind: 'figure' | 'count'; readonly name: string; readonly value: number; readonly labels: Labels }

const port = parentPort
if (port === null) throw new Error('keeper-thread.ts runs in a thread of its own')

let settings = workerData as KeeperSettings
let lastMs = 0
/** Whether the last round was begun. */
let ended = false
let changed = new AbortController()
const closing = new AbortController()

port.on('message', (message: ToKeeper) => {
  if (message.kind === 'settings') settings = message.settings
  else {
    lastMs = message.lastMs
    closing.abort()
  }
  changed.abort()
})

async function work(): Promise<void> {
  let failures = 0
  do {
    let wait = LEASE_MS
    try {
      if (await attendWithLease()) wait = 0
      failures = 0
    } catch (cause) {
      failures += 1
      wait = backOffMs(failures)
      tell('warn', 'the keeper of the ledger cannot work', { ...reasonOf(cause), againMs: wait })
    }
    await setTimeout(wait, undefined, { signal: closing.signal }).catch(() => undefined)
  } while (!closing.signal.aborted)
  // Told so between two sessions; another thread may have the lease.
  if (!ended) await attendWithLease().catch((cause: unknown) => tell('warn', NO_LAST_ROUND, { ...reasonOf(cause) }))
}

async function attendWithLease(): Promise<boolean> {
  makePrivateFolder(settings.dir)
  const path = join(settings.dir, LEASE_FILE)
  const lease = takeLease(path)
  if (lease === undefined) return false
  figure('ledger_keeper', 1)
  try {
    await attend(path)
    return true
  } finally {
    lease.release()
    figure('ledger_keeper', 0)
  }
}

/** Until the program ends, the settings change, or the database, its log or the lease is no longer the file it was. */
async function attend(leasePath: string): Promise<void> {
  changed = new AbortController()
  if (closing.signal.aborted) changed.abort()
  const { signal } = changed
  const session = changed
  const path = databasePath(settings.dir)
  const files = [leasePath, path, `${path}-wal`]
  const db = openStore(settings)
  const before = files.map(identityOf)
  const watch = setInterval(() => {
    if (files.some((file, i) => identityOf(file) !== before[i])) session.abort()
  }, WATCH_MS)
  const rounds = roundsOf(chores, { settings, db, now: Date.now, notice: tell, figure, count } satisfies ChoreContext)
  try {
    await rounds.run(signal)
    if (closing.signal.aborted) {
      ended = true
      await rounds.last(AbortSignal.timeout(lastMs))
    }
  } finally {
    clearInterval(watch)
    await rounds.close()
    db.close()
  }
}

function tell(level: 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>): void {
  say({ kind: 'notice', level, message, fields })
}

function figure(name: string, value: number, labels: Labels = {}): void {
  say({ kind: 'figure', name, value, labels })
}

function count(name: string, value: number, labels: Labels = {}): void {
  say({ kind: 'count', name, value, labels })
}

function say(message: FromKeeper): void {
  port!.postMessage(message)
}

const LEASE_FILE = 'keeper.lock'
const LEASE_MS = 1_000
const NO_LAST_ROUND = 'the keeper of the ledger could not make its last round'
const WATCH_MS = 1_000

// Last, for it uses all that stands above.
await work()
port.close()

import { Worker } from 'node:worker_threads'
import type { KeeperSettings, Labels } from './chores.ts'
import { backOffMs } from './keeper-rounds.ts'
import type { FromKeeper, ToKeeper } from './keeper-thread.ts'

/** Does what a ledger needs beside being written, in a thread of its own: the chores of chores.ts. */
export type Keeper = {
  readonly reload: (settings: KeeperSettings) => void
  /** After the recorders are closed: a last round, then the thread ends; at once, when that takes too long. */
  readonly close: () => Promise<void>
}

export type KeeperOptions = {
  readonly settings: KeeperSettings
  readonly notice: (
    level: 'info' | 'warn' | 'error',
    message: string,
    fields: Readonly<Record<string, unknown>>,
  ) => void
  /** Sets a figure. */
  readonly figure: (name: string, value: number, labels: Labels) => void
  /** Adds to a figure. */
  readonly count: (name: string, more: number, labels: Labels) => void
  /** How long the last round may take. */
  readonly lastMs?: number
  /** The program of the thread, when it is another than keeper-thread.ts. */
  readonly program?: URL
}

/** Starts the thread; one that dies is told and replaced. */
export function startKeeper(options: KeeperOptions): Keeper {
  const { notice, lastMs = LAST_MS } = options
  let { settings } = options
  let worker: Worker | undefined
  let timer: NodeJS.Timeout | undefined
  let deaths = 0
  let closed = false

  function start(): void {
    const began = performance.now()
    const thread = new Worker(options.program ?? threadFile, {
      name: 'keeper',
      workerData: settings,
      execArgv: [],
      resourceLimits: {
        maxOldGenerationSizeMb: HEAP_MB,
        maxYoungGenerationSizeMb: 8,
        codeRangeSizeMb: 16,
      },
    })
    worker = thread
    let cause = 'it ended'
    thread.on('message', (message: FromKeeper) => received(options, message))
    thread.on('error', (error: unknown) => (cause = error instanceof Error ? error.message : 'unknown'))
    thread.on('exit', () => {
      worker = undefined
      if (closed) return
      deaths = performance.now() - began > STEADY_MS ? 1 : deaths + 1
      const againMs = backOffMs(deaths)
      notice('error', 'the keeper of the ledger stopped and is replaced', { reason: cause, againMs })
      timer = setTimeout(start, againMs).unref()
    })
    // The program does not stay for its sake.
    thread.unref()
  }

  function post(message: ToKeeper): void {
    worker?.postMessage(message)
  }

  async function close(): Promise<void> {
    if (closed) return
    closed = true
    clearTimeout(timer)
    const thread = worker
    if (thread === undefined) return
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    thread.once('exit', () => resolve())
    thread.ref()
    post({ kind: 'close', lastMs })
    const late = setTimeout(() => {
      notice('warn', 'the last round of the keeper took too long and was ended', {})
      void thread.terminate()
    }, lastMs + MARGIN_MS)
    await ended
    clearTimeout(late)
  }

  start()
  return {
    reload(next) {
      settings = next
      post({ kind: 'settings', settings })
    },
    close,
  }
}

function received({ notice, figure, count }: KeeperOptions, message: FromKeeper): void {
  switch (message.kind) {
    case 'notice':
      return notice(message.level, message.message, message.fields)
    case 'figure':
      return figure(message.name, message.value, message.labels)
    case 'count':
      return count(message.name, message.value, message.labels)
  }
}

const threadFile = new URL(
  import.meta.url.endsWith('.ts') ? './keeper-thread.ts' : './keeper-thread.js',
  import.meta.url,
)
const LAST_MS = 3_000
const MARGIN_MS = 2_000
const STEADY_MS = 60_000
// A batch of rows with bodies on its way to a sink is the most it holds.
const HEAP_MB = 192

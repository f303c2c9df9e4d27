import { setTimeout } from 'node:timers/promises'
import type { Chore, ChoreContext, ChoreKind } from './chores.ts'

/** The chores of one session: with the same settings, on the same database. */
export type Rounds = {
  /**
   * Runs each chore when it is due, until the signal; resolves when all have ended. One that fails is told and tried again, later each time.
   * Rejects when the connection to the database is spoiled.
   */
  readonly run: (signal: AbortSignal) => Promise<void>
  /** What is to be done before the program ends. */
  readonly last: (signal: AbortSignal) => Promise<void>
  readonly close: () => Promise<void>
}

export function roundsOf(kinds: readonly ChoreKind[], context: ChoreContext): Rounds {
  const made = new Map<ChoreKind, Chore>()
  const wanted = kinds.filter((kind) => kind.wanted(context.settings))

  async function choreOf(kind: ChoreKind): Promise<Chore> {
    const chore = made.get(kind) ?? (await kind.load())(context)
    made.set(kind, chore)
    return chore
  }

  async function repeat(kind: ChoreKind, signal: AbortSignal, spoil: (cause: unknown) => void): Promise<void> {
    let failures = 0
    while (!signal.aborted) {
      let wait: number
      try {
        const chore = await choreOf(kind)
        await chore.run(signal)
        if (failures > 0) context.notice('info', 'a chore of the ledger works again', { chore: kind.name })
        failures = 0
        wait = chore.everyMs
      } catch (cause) {
        if (signal.aborted) return
        failures += 1
        wait = backOffMs(failures)
        tellFailure(context, kind, cause, wait)
        if (spoils(cause)) return spoil(cause)
      }
      await setTimeout(wait, undefined, { signal }).catch(() => undefined)
    }
  }

  return {
    async run(signal) {
      const spoiled = new AbortController()
      const ended = AbortSignal.any([signal, spoiled.signal])
      await Promise.all(wanted.map((kind) => repeat(kind, ended, (cause) => spoiled.abort(cause))))
      if (!signal.aborted) spoiled.signal.throwIfAborted()
    },
    async last(signal) {
      for (const kind of wanted) {
        try {
          const chore = await choreOf(kind)
          await chore.last?.(signal)
        } catch (cause) {
          tellFailure(context, kind, cause)
        }
      }
    },
    async close() {
      for (const [kind, chore] of made) {
        try {
          await chore.close?.()
        } catch (cause) {
          tellFailure(context, kind, cause)
        }
      }
    },
  }
}

/** How long to wait after so many failures in a row. */
export const backOffMs = (failures: number): number => Math.min(1_000 * 2 ** (failures - 1), 300_000)

/** What may be said of a failure: its code and message. */
export function reasonOf(cause: unknown): { readonly code?: string; readonly reason: string } {
  if (!(cause instanceof Error)) return { reason: 'unknown' }
  const { message: reason } = cause
  return 'code' in cause && typeof cause.code === 'string' ? { code: cause.code, reason } : { reason }
}

function tellFailure({ notice, count }: ChoreContext, { name }: ChoreKind, cause: unknown, againMs?: number): void {
  count('ledger_chore_failures_total', 1, { chore: name })
  notice('warn', 'a chore of the ledger failed', { chore: name, ...reasonOf(cause), againMs })
}

// A lock or a full disk passes; of these a new connection may know better.
function spoils(cause: unknown): boolean {
  return /^SQLITE_(IOERR|CORRUPT|NOTADB|CANTOPEN|READONLY|NOMEM)/.test(reasonOf(cause).code ?? '')
}

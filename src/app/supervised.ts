import type { Health } from '../console/server.ts'
import type { Act, Tell } from './acts.ts'

/** What a `serve` tells the agent that started it, over the channel between them. */
export type FromServe =
  | { readonly kind: 'ready' }
  /** Every second; `serving` is false when no process is left that takes connections. */
  | { readonly kind: 'beat'; readonly serving: boolean; readonly reasons: readonly string[] }

/** What the agent tells the `serve` that it started: what it did to the traffic of the machine, for the ledger. */
export type ToServe = { readonly kind: 'act'; readonly act: Act }

/** The channel to the agent. */
export type Channel = {
  readonly send: (message: FromServe) => void
  readonly onMessage: (hear: (message: ToServe) => void) => void
  /** Resolves when the agent is gone: nobody brings traffic any more, and nobody else will end us. */
  readonly gone: Promise<string>
}

/** The channel to the agent that started this process; undefined when none did. */
export function agentChannel(from: NodeJS.Process = process): Channel | undefined {
  if (from.env[AGENT_VARIABLE] !== '1' || from.send === undefined) return undefined
  delete from.env[AGENT_VARIABLE]
  const gone = new Promise<string>((resolve) => void from.once('disconnect', () => resolve('the agent ended')))
  // What listens to the channel would keep the process after its last work.
  from.channel?.unref()
  return {
    gone,
    send: (message) => void (from.connected && from.send?.(message, () => undefined)),
    onMessage(hear) {
      from.on('message', hear)
      from.channel?.unref()
    },
  }
}

/** Tells the agent that the doors are open, and from then on that they still are, until `end` or the agent ends; resolves with what did. What the agent does is told on. */
export async function tellAgent(
  { send, onMessage, gone }: Channel,
  {
    health,
    tell,
    end,
    everyMs = 1_000,
  }: {
    readonly health: () => Promise<Health>
    readonly tell: Tell
    readonly end: Promise<string>
    readonly everyMs?: number
  },
): Promise<string> {
  onMessage(({ act }) => tell(act))
  send({ kind: 'ready' })
  const beat = async (): Promise<void> => {
    const { reasons, facts } = await health()
    send({ kind: 'beat', serving: 'policy' in facts, reasons })
  }
  // A beat that fails is one that is missing: the agent acts on that.
  const timer = setInterval(() => void beat().catch(() => undefined), everyMs)
  try {
    return await Promise.race([end, gone])
  } finally {
    clearInterval(timer)
  }
}

/** Set for a process that an agent starts. */
export const AGENT_VARIABLE = 'SALLYPORT_AGENT'

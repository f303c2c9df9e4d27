import type { TextPart } from '../core/text.ts'
import { isAfterwards } from '../inspect/binding.ts'
import type { Binding } from '../inspect/binding.ts'
import { inspectParts } from '../inspect/pipeline.ts'
import type { StreamEvent } from '../providers/provider.ts'
import type { Rooms } from './exchange.ts'
import { tenantOf } from './request.ts'
import type { Trace } from './trace.ts'
import { factsOf, note } from './trace.ts'

/** Judges of a streamed answer that nobody waits for: they hear it when it has been sent. */
export type LateJudges = {
  readonly see: (events: readonly StreamEvent[]) => void
  /** To be called when `trace.answer` is known. */
  readonly judge: () => Promise<void>
}

/** Undefined where there are none. `whole`: the others have the whole answer before it is sent. */
export function lateJudges(
  rooms: Rooms,
  trace: Trace,
  bindings: readonly Binding[],
  whole: boolean,
): LateJudges | undefined {
  const late = bindings.filter((binding) => binding.hook.kind === 'judge' && (!whole || isAfterwards(binding)))
  if (late.length === 0) return undefined
  const texts = gathered(MOST_CHARS)
  return {
    see(events) {
      for (const event of events) texts.add(event)
    },
    async judge() {
      const { signal } = trace.exchange
      if (signal.aborted) return
      const parts = texts.parts()
      const input = { stage: 'response', parts, bodyBytes: trace.responseBytes, answer: trace.answer } as const
      const inspection = await inspectParts(
        late,
        { ...input, facts: factsOf(trace), known: trace.found },
        { mode: trace.policy.mode, vault: rooms.vault(tenantOf(trace)), now: process.hrtime.bigint, signal },
      )
      note(rooms, trace, { ...inspection, restored: 0, unrestored: 0 })
      if (texts.over()) trace.notInspected ??= 'answer oversize'
    },
  }
}

/** The texts of a stream, the pieces of each channel joined. */
export function gathered(most = Infinity): {
  readonly add: (event: StreamEvent) => void
  readonly parts: () => TextPart[]
  readonly over: () => boolean
} {
  const texts = new Map<string, { part: TextPart; pieces: string[] }>()
  let length = 0
  return {
    add({ parts }) {
      for (const part of parts) {
        length += part.text.length
        if (length > most) return
        const key = part.whole ? `${part.channel} whole` : part.channel
        const channel = texts.get(key) ?? { part, pieces: [] }
        channel.pieces.push(part.text)
        texts.set(key, channel)
      }
    },
    parts: () =>
      [...texts.values()].map(({ part, pieces }) => {
        const text = pieces.join('')
        return { ...part, text, place: { start: 0, end: text.length, spelling: [] } }
      }),
    over: () => length > most,
  }
}

const MOST_CHARS = 4_194_304

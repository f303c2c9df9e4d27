import type { TextPart } from '../core/text.ts'
import type { Binding } from '../inspect/binding.ts'
import { inspectParts } from '../inspect/pipeline.ts'
import type { StreamEvent } from '../providers/provider.ts'
import type { Rooms } from './exchange.ts'
import { tenantOf } from './request.ts'
import { flush } from './watcher.ts'
import type { Watcher } from './watcher.ts'
import type { Trace } from './trace.ts'
import { factsOf, note } from './trace.ts'

/**
 * A stream that an outside judge must see whole: it is collected up to the limit, judged with the texts of each channel joined,
 * and then passed on through the stream inspector.
 */
export async function* judgeWhole(
  rooms: Rooms,
  trace: Trace,
  chunks: AsyncIterable<Uint8Array>,
  watch: Watcher,
  bindings: readonly Binding[],
): AsyncGenerator<Uint8Array> {
  try {
    const events: StreamEvent[] = []
    let size = 0
    for await (const chunk of chunks) {
      size += chunk.length
      watch.count(chunk.length)
      if (size <= rooms.inspectBytes) events.push(...watch.read(chunk))
    }
    const judges = bindings.filter(({ hook }) => hook.kind === 'judge')
    const inspection = await inspectParts(
      judges,
      { stage: 'response', parts: joined(events), bodyBytes: size, facts: factsOf(trace), known: trace.found },
      {
        mode: trace.policy.mode,
        vault: rooms.vault(tenantOf(trace)),
        now: process.hrtime.bigint,
        signal: trace.exchange.signal,
      },
    )
    note(rooms, trace, inspection)
    const stopped = trace.policy.mode === 'enforce' && (inspection.decision === 'block' || size > rooms.inspectBytes)
    if (stopped) {
      yield watch.refusal(inspection)
      return
    }
    watch.inspector.mask(inspection.edits)
    const released = events.flatMap((event) =>
      watch.inspector.blocked === undefined ? watch.inspector.push(event) : [],
    )
    const bytes = await watch.keep([...released, ...flush(watch)])
    if (bytes !== undefined) yield bytes
    if (watch.inspector.blocked !== undefined) yield watch.refusal(watch.result())
  } finally {
    await watch.finish()
  }
}

function joined(events: readonly StreamEvent[]): TextPart[] {
  const texts = new Map<string, { part: TextPart; pieces: string[] }>()
  for (const event of events) {
    for (const part of event.parts) {
      const key = part.whole ? `${part.channel} whole` : part.channel
      const channel = texts.get(key) ?? { part, pieces: [] }
      channel.pieces.push(part.text)
      texts.set(key, channel)
    }
  }
  return [...texts.values()].map(({ part, pieces }) => {
    const text = pieces.join('')
    return { ...part, text, place: { start: 0, end: text.length, spelling: [] } }
  })
}

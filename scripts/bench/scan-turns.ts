import { setImmediate } from 'node:timers/promises'
import type { TextPart } from '../../src/core/text.ts'
import { inspectParts } from '../../src/inspect/pipeline.ts'
import { inspectStream } from '../../src/inspect/stream.ts'
import type { StreamEvent } from '../../src/inspect/stream-event.ts'
import { median } from './report.ts'
import { howToInspect, nowhere } from './scan-subjects.ts'
import type { Subject } from './scan-subjects.ts'

/** Microseconds of CPU for each event of a streamed answer, of a few words: found, held, released. */
export function streamedDeltas({ bindings }: Subject, prose: string, rounds: number): number {
  const events = eventsOf(prose.slice(0, 200_000))
  const costs: number[] = []
  for (let round = -1; round < rounds; round++) {
    const inspector = inspectStream(
      bindings,
      {},
      {
        ...howToInspect(),
        holdbackChars: 4_096,
        holdbackMs: 1_000,
        applyEdits: (raw) => raw,
        encode: (text) => Buffer.from(text),
        clock: () => performance.now(),
      },
    )
    const before = process.cpuUsage()
    for (const event of events) inspector.push(event)
    const { user, system } = process.cpuUsage(before)
    if (round >= 0) costs.push((user + system) / events.length)
    inspector.end()
    inspector.result()
  }
  return median(costs)
}

/** Milliseconds of CPU of the longest turn that a long message takes, in the median of several. */
export async function longestSlice({ bindings }: Subject, parts: readonly TextPart[], rounds: number): Promise<number> {
  const longest: number[] = []
  for (let round = -1; round < rounds; round++) {
    const progress = { done: false }
    const input = { stage: 'request', parts, bodyBytes: 2_000_000, facts: nowhere } as const
    let before = process.cpuUsage()
    const inspection = Promise.resolve(inspectParts(bindings, input, howToInspect())).then(() => (progress.done = true))
    let most = 0
    while (!progress.done) {
      const { user, system } = process.cpuUsage(before)
      most = Math.max(most, (user + system) / 1_000)
      before = process.cpuUsage()
      await setImmediate()
    }
    await inspection
    if (round >= 0) longest.push(most)
  }
  return median(longest)
}

function eventsOf(text: string): StreamEvent[] {
  const words = text.match(/\s*\S+\s+\S+/g) ?? []
  return words.map((said) => {
    const place = { start: 0, end: said.length, spelling: [] }
    const part = {
      text: said,
      place,
      role: 'assistant',
      kind: 'message',
      path: 'text',
      channel: '0',
      whole: false,
      fragment: 'text',
    } as const
    return { bytes: Buffer.from(said), text: said, charset: 'utf8', parts: [part], ends: [] }
  })
}

import type { KeptBody } from '../audit/bodies/body.ts'
import type { Body } from '../core/http.ts'
import { madeBody } from '../http/body.ts'
import type { Rooms } from './exchange.ts'
import type { Trace } from './trace.ts'

type Side = 'request' | 'response'

/** A body that nobody reads, as it passes: it is counted and, where bodies are stored as they were, kept. */
export function passing(rooms: Rooms, trace: Trace, side: Side, body: Body): Body {
  const count = side === 'request' ? 'requestBytes' : 'responseBytes'
  // What was not read may hold what policy would have found.
  const keep = rooms.store === 'full' ? keepUnread(rooms, trace, side) : undefined
  async function* pass(): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      trace[count] += chunk.length
      const waiting = keep?.write(chunk)
      if (waiting !== undefined) await waiting
      yield chunk
    }
    keep?.ended()
  }
  return madeBody(pass(), body.length, body.trailers)
}

/** Ends what is being kept; what it is then goes into the row. */
export async function settleUnread(trace: Trace): Promise<void> {
  for (const settle of trace.unread.splice(0)) await settle()
}

function keepUnread(
  rooms: Rooms,
  trace: Trace,
  side: Side,
): { readonly write: (chunk: Uint8Array) => Promise<void> | undefined; readonly ended: () => void } {
  const keeper = rooms.keeper(trace.exchange.id, side)
  let [whole, settled] = [false, false]
  trace.unread.push(async () => {
    settled = true
    const kept = await keeper.finish()
    store(trace, side, { ...kept, truncated: kept.truncated || !whole })
  })
  return {
    write: (chunk) => (settled ? undefined : keeper.write(chunk)),
    ended() {
      whole = true
    },
  }
}

function store(trace: Trace, side: Side, kept: KeptBody): void {
  if (side === 'response') {
    trace.responseContent = kept
    return
  }
  trace.requestContent = {
    requestBytes: trace.requestBytes,
    requestBody: kept.inline,
    requestSpill: kept.spill,
    requestSha256: kept.sha256,
    requestTruncated: kept.truncated,
  }
  trace.requestNotKept = kept.error
}

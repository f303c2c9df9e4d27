import type { BodyKeeper } from '../audit/bodies/body.ts'
import type { Edit } from '../core/text.ts'
import type { LaterVerdict, MessageVerdict } from '../http/websocket-judge.ts'
import type { Binding } from '../inspect/binding.ts'
import { inspectParts } from '../inspect/pipeline.ts'
import { inspectStream } from '../inspect/stream.ts'
import type { Released, StreamInspector } from '../inspect/stream.ts'
import { applyEdits, encodeBody } from '../providers/json-text.ts'
import type { StreamEvent, StreamReader } from '../providers/provider.ts'
import type { Rooms } from './exchange.ts'
import { remember, trim } from './message.ts'
import { blocked, tenantOf } from './request.ts'
import { factsOf, note } from './trace.ts'
import type { Trace } from './trace.ts'

/** What the origin of a conversation says: a stream whose events are messages. */
export type Said = {
  readonly judge: (text: string) => Promise<MessageVerdict | LaterVerdict>
  /** What waits is decided as it stands. */
  readonly flush: () => Promise<void>
  /** The conversation is over: adds what was found and told to the trace. */
  readonly finish: () => Promise<void>
}

/** Texts that grow over messages are inspected as one. The keeper gets each message, on a line, as it may be stored. */
export function said(rooms: Rooms, trace: Trace, keeper: BodyKeeper | undefined): Said {
  const { provider, operation } = trace.identified
  const about = { operation, target: trace.exchange.request.head.target, contentType: 'application/json' }
  const reader: StreamReader = provider.messageReader(about)
  const waiting: Waiting[] = []
  const masked: Edit[] = []
  let bindings: readonly Binding[] = []
  let inspector: StreamInspector | undefined
  let model: string | null | undefined
  let known: readonly string[] = []
  let timer: NodeJS.Timeout | undefined
  let refused: MessageVerdict | undefined
  let stored: Promise<void> = Promise.resolve()
  return { judge, flush: close, finish }

  async function judge(text: string): Promise<MessageVerdict | LaterVerdict> {
    const began = performance.now()
    if (refused !== undefined) return refused
    const [event] = text === '' ? [] : reader.push(Buffer.from(text))
    if (event === undefined) return passes
    if (event.unread !== undefined) trace.notInspected ??= `answer ${event.unread.join(', ')}`
    if (rooms.store === 'full') await keeper?.write(Buffer.from(`${text}\n`))
    const current = await listening()
    refused = await judged(event, current)
    if (refused !== undefined) return refused
    const { promise, resolve, reject } = Promise.withResolvers<MessageVerdict>()
    let decided: MessageVerdict | undefined
    waiting.push({ event, decide: (verdict) => resolve((decided = verdict)), fail: reject })
    const kept = keep(current.push(event))
    trace.addedMs += performance.now() - began
    await kept
    arm()
    return decided ?? { kind: 'later', verdict: promise }
  }

  /** Which rules apply may depend on the model, which the client may name late. */
  async function listening(): Promise<StreamInspector> {
    if (inspector !== undefined && model !== trace.request.model) await close()
    if (inspector === undefined) {
      model = trace.request.model
      bindings = trace.policy.bindingsFor(factsOf(trace), 'response')
      inspector = inspectStream(bindings, { known: trace.found }, howTo(rooms, trace))
      known = trace.found
    } else if (known !== trace.found) {
      known = trace.found
      inspector.know(known)
    }
    return inspector
  }

  /** Hooks that judge a whole text have each message alone. */
  async function judged(event: StreamEvent, current: StreamInspector): Promise<MessageVerdict | undefined> {
    const judges = bindings.filter(({ hook }) => hook.kind === 'judge')
    if (judges.length === 0) return undefined
    const { mode } = trace.policy
    const inspection = await inspectParts(
      judges,
      {
        stage: 'response',
        parts: event.parts,
        bodyBytes: event.bytes.length,
        facts: factsOf(trace),
        continued: true,
        known,
      },
      {
        mode,
        vault: rooms.vault(tenantOf(trace)),
        now: process.hrtime.bigint,
        signal: trace.exchange.signal,
      },
    )
    // Placeholders are counted where they are undone.
    note(rooms, trace, { ...inspection, restored: 0, unrestored: 0 })
    if (inspection.decision === 'block' && mode === 'enforce') return refusal(inspection)
    if (inspection.edits.length > 0) {
      masked.push(...inspection.edits)
      masked.splice(0, masked.length - mostMasked)
      current.mask(masked)
    }
    return undefined
  }

  function refusal(inspection: Parameters<typeof blocked>[0]): MessageVerdict {
    const error = blocked(inspection)
    const { code, status, message } = error
    if (operation !== 'realtime') return { kind: 'close', reason: message }
    const event = provider.refuseEvent({ code, status, message: `${message} (exchange ${trace.exchange.id})` }, about)
    return { kind: 'close', reason: message, ...(event === '' ? {} : { last: String(event) }) }
  }

  function arm(): void {
    clearTimeout(timer)
    const deadline = inspector?.deadline()
    if (deadline === undefined) return
    timer = setTimeout(() => void tick().catch(fail), Math.max(0, deadline - performance.now()))
  }

  async function tick(): Promise<void> {
    await keep(inspector?.tick() ?? [])
    arm()
  }

  /** What waits can be judged no more: it does not leave. */
  function fail(cause: unknown): void {
    rooms.log.error({ exchange: trace.exchange.id, err: cause }, 'exchange failed')
    for (const one of waiting.splice(0)) one.fail(cause)
  }

  /** Stores what was released, and decides the messages that it sets free. */
  async function keep(released: readonly Released[]): Promise<void> {
    for (const { wire } of released) {
      if (wire.length === 0) continue
      const one = waiting.shift()
      const same = wire === one?.event.bytes
      one?.decide(same ? passes : { kind: 'replace', text: Buffer.from(wire).toString('utf8') })
    }
    if (inspector?.blocked !== undefined) {
      refused = refusal(conclude(inspector))
      for (const { decide } of waiting.splice(0)) decide(refused)
    }
    if (keeper === undefined || rooms.store === 'full') return
    const lines = released.filter(({ store }) => store.length > 0).map(({ store }) => Buffer.concat([store, lineFeed]))
    await (stored = stored.then(async () => {
      for (const line of lines) await keeper.write(line)
    }))
  }

  function conclude(current: StreamInspector): ReturnType<StreamInspector['result']> {
    inspector = undefined
    clearTimeout(timer)
    const inspection = current.result()
    note(rooms, trace, inspection)
    remember(trace, inspection.found)
    trim(trace)
    return inspection
  }

  async function close(): Promise<void> {
    const current = inspector
    if (current === undefined) return
    await keep(current.end())
    if (inspector !== undefined) conclude(current)
  }

  async function finish(): Promise<void> {
    clearTimeout(timer)
    await close()
    // Its end has decided all; what it left out would have been judged by nobody.
    for (const { decide } of waiting.splice(0)) decide({ kind: 'close', reason: 'the conversation is over' })
    trace.answer = reader.facts()
  }
}

type Waiting = {
  readonly event: StreamEvent
  readonly decide: (verdict: MessageVerdict) => void
  readonly fail: (cause: unknown) => void
}

function howTo(rooms: Rooms, trace: Trace) {
  const { mode, holdbackChars, holdbackMs } = trace.policy
  return {
    mode,
    vault: rooms.vault(tenantOf(trace)),
    now: process.hrtime.bigint,
    signal: trace.exchange.signal,
    holdbackChars,
    holdbackMs,
    applyEdits,
    encode: encodeBody,
    clock: () => performance.now(),
  }
}

const passes: MessageVerdict = { kind: 'pass' }
const lineFeed = Buffer.from('\n')
const mostMasked = 200

import type { BodyKeeper } from '../audit/bodies/body.ts'
import type { SallyportError } from '../core/errors.ts'
import type { HookRun } from '../core/verdict.ts'
import { stricter } from '../core/verdict.ts'
import type { MessageVerdict, MessageWay } from '../http/websocket-judge.ts'
import { inspectParts } from '../inspect/pipeline.ts'
import { applyEdits } from '../providers/json-text.ts'
import type { Rooms } from './exchange.ts'
import { blocked, noteUnread, tenantOf } from './request.ts'
import type { Trace } from './trace.ts'
import { factsOf, note } from './trace.ts'

/** One message of a conversation through the engine, for itself. The keeper gets it as it may be stored. */
export async function judgeMessage(
  rooms: Rooms,
  trace: Trace,
  way: MessageWay,
  text: string,
  keeper: BodyKeeper | undefined,
): Promise<MessageVerdict> {
  const began = performance.now()
  const stage = way === 'up' ? 'request' : 'response'
  const { provider, operation } = trace.identified
  const about = { operation, target: trace.exchange.request.head.target, contentType: 'application/json' }
  if (way === 'up' && trace.request.model === null) learnModel(trace, text)
  const { parts, unread } = way === 'up' ? provider.readRequest(text, about) : provider.readAnswer(text, about)
  const refused = way === 'up' ? noteUnread(trace, unread) : undefined
  if (refused !== undefined) return closing(trace, refused)
  const facts = factsOf(trace)
  const inspection = await inspectParts(
    trace.policy.bindingsFor(facts, stage),
    { stage, parts, bodyBytes: text.length, facts, continued: true, known: trace.found },
    {
      mode: trace.policy.mode,
      vault: rooms.vault(tenantOf(trace)),
      memo: rooms.memo(tenantOf(trace)),
      now: process.hrtime.bigint,
      signal: trace.exchange.signal,
    },
  )
  note(rooms, trace, inspection)
  trim(trace)
  if (way === 'up') remember(trace, inspection.found)
  trace.addedMs += performance.now() - began
  const kept = rooms.store === 'full' ? text : applyEdits(text, inspection.storeEdits)
  const waiting = keeper?.write(Buffer.from(`${kept}\n`))
  if (waiting !== undefined) await waiting
  if (inspection.decision === 'block' && trace.policy.mode === 'enforce')
    return { kind: 'close', reason: blocked(inspection).message }
  return inspection.edits.length === 0
    ? { kind: 'pass' }
    : { kind: 'replace', text: applyEdits(text, inspection.edits) }
}

/** Values that neither way may be stored with. Bounded: a conversation may be long, and what is quoted is mostly recent. */
export function remember(trace: Trace, found: readonly string[]): void {
  if (found.length > 0) trace.found = [...new Set([...trace.found, ...found])].slice(-200)
}

/** The end of a conversation in which something was said that policy lets nobody say unread. */
export function closing(trace: Trace, refused: SallyportError): MessageVerdict {
  trace.decision = 'block'
  trace.error = refused.code
  return { kind: 'close', reason: refused.message }
}

/** The model that the handshake names, as OpenAI's realtime does (`?model=…`). */
export function modelOf({ exchange }: Trace): string | null {
  const model = new URLSearchParams(exchange.request.head.target.query).get('model')
  return model !== null && modelName.test(model) ? model : null
}

/** The model that the first event names: `session.model` of OpenAI's realtime, `setup.model` of Gemini's Live. */
function learnModel(trace: Trace, text: string): void {
  if (text.length > longestSetup || !text.includes('"model"')) return
  try {
    const event = JSON.parse(text) as { session?: { model?: unknown }; setup?: { model?: unknown } } | null
    const model = event?.session?.model ?? event?.setup?.model
    if (typeof model !== 'string' || !modelName.test(model)) return
    trace.request = { ...trace.request, model: model.replace(/^models\//, '') }
  } catch {
    // Not JSON: it names nothing.
  }
}

/** A conversation of many messages makes one row: runs are summed by hook, and findings beyond many are not listed. */
export function trim(trace: Trace): void {
  if (trace.findings.length > mostFindings) trace.findings.length = mostFindings
  if (trace.hooks.length < mostRuns) return
  const sums = new Map<string, HookRun>()
  for (const run of trace.hooks) {
    const key = `${run.stage} ${run.hook} ${run.rule}`
    const before = sums.get(key)
    sums.set(key, before === undefined ? run : summed(before, run))
  }
  trace.hooks = [...sums.values()]
}

function summed(before: HookRun, run: HookRun): HookRun {
  const worse =
    before.verdict !== 'error' && (run.verdict === 'error' || stricter(run.verdict, before.verdict)) ? run : before
  return { ...worse, microseconds: before.microseconds + run.microseconds }
}

const modelName = /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$/
const longestSetup = 262_144
const mostFindings = 1_000
const mostRuns = 256

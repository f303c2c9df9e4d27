import type { Recorder } from '../audit/recorder.ts'
import type { Config } from '../config/schema.ts'
import { newEventId } from '../core/ids.ts'
import { lru } from '../lib/lru.ts'
import type { EventKind } from '../store/event-kinds.ts'
import { version } from './version.ts'

type Facts = Readonly<Record<string, unknown>>

/** An act of the program or of its operator that changes what is inspected or kept; without secrets. */
export type Act = {
  readonly what: EventKind
  readonly subject?: string
  readonly before?: Facts
  readonly after?: Facts
}

export type Tell = (act: Act) => void

/** Tells acts to the ledger. */
export function tellTo(recorder: Pick<Recorder, 'event'>, now: () => number = Date.now): Tell {
  return ({ what, subject, before, after }) => {
    const at = now()
    recorder.event({
      id: newEventId(at),
      at: new Date(at).toISOString(),
      who: 'sallyport',
      what,
      subject: subject ?? null,
      before: before === undefined ? null : JSON.stringify(before),
      after: after === undefined ? null : JSON.stringify(after),
    })
  }
}

/** Of what several processes tell of the same act only the first is told on. One that tells the same again has done it again. */
export function toldOnce(tell: Tell): (process: number, act: Act) => void {
  const tellers = lru<string, Set<number>>({ max: 100 })
  return (process, act) => {
    const key = JSON.stringify([act.what, act.after])
    const known = tellers.get(key)
    if (known !== undefined && !known.has(process)) return void known.add(process)
    tellers.set(key, new Set([process]))
    tell(act)
  }
}

/** The program begins: what it is, what judges the traffic, and what becomes of it. */
export function programStart(
  { audit, limits, proxy }: Config,
  facts: {
    readonly command: 'serve' | 'exec'
    readonly workers: number
    readonly policy: unknown
    readonly ca: string
  },
): Act {
  const { durability, whenUnavailable, bodies, search, retention, checkpointSeconds, encryption } = audit
  const kept = {
    durability,
    whenUnavailable,
    bodies,
    search,
    retention,
    checkpointSeconds,
    encryption: encryption?.keys.map(({ id }) => id) ?? null,
    export: audit.export.map((sink) => ({
      name: sink.name,
      type: sink.type,
      include: sink.include,
      bodies: sink.bodies,
    })),
  }
  const { command, workers, policy, ca } = facts
  return {
    what: 'program.start',
    after: {
      command,
      version: version(),
      node: process.versions.node,
      pid: process.pid,
      workers,
      policy,
      ca,
      auth: proxy.auth,
      inspectBytes: limits.inspectBytes,
      audit: kept,
    },
  }
}

/** Policy files that are refused: where they are wrong, and not how, for a message may quote them. */
export function policyRefused(code: string, problems: string): Act {
  const places = problems.split('\n').flatMap((line) => /^[^\s:]+(?::\d+){0,2}(?=:)/.exec(line)?.[0] ?? [])
  return { what: 'policy.refused', after: { code, places: places.slice(0, 20) } }
}

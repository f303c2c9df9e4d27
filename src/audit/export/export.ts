import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { newEventId } from '../../core/ids.ts'
import { writeBriefly } from '../../store/brief-write.ts'
import { insertEvent } from '../../store/events.ts'
import type { Chore, ChoreContext } from '../keeper/chores.ts'
import { contentFiller } from './content.ts'
import { cursorsOf } from './cursors.ts'
import { type Delivery, type DeliveryLimits, type DeliveryNotice, startDelivery } from './delivery.ts'
import { exportFigures } from './figures.ts'
import { chainReader } from './reader.ts'
import { createSink, type SinkSettings } from './settings.ts'
import type { ContentReader } from '../bodies/read-content.ts'
import type { Sink, SinkContext, SinkType } from '../sinks/sink.ts'
import type { Store } from '../../store/open.ts'

export type ExportOptions = Pick<ChoreContext, 'db' | 'now' | 'notice' | 'figure' | 'count'> & {
  readonly sinks: readonly SinkSettings[]
  readonly types: readonly SinkType[]
  readonly contents: Pick<ContentReader, 'read'>
  readonly version: string
  readonly random?: () => number
  readonly limits?: Partial<DeliveryLimits>
}

/**
 * The chore that sends the ledger to its sinks: each has a delivery of its own that none other waits for. One whose settings cannot be
 * used is told, left out, and tried again every minute; its cursor stays.
 */
export function exportChore(options: ExportOptions): Chore {
  const { db, now, sinks } = options
  const names = sinks.map(({ name }) => name)
  const figures = exportFigures(db, options)
  const deliveries = new Map<string, Delivery>()
  const start = starter(options, deliveries)
  const tidy = tidier(options, names)
  const changed = changeIn(db)
  const timeForFigures = every(FIGURES_MS, now)
  const wake = (): void => {
    start()
    if (changed()) for (const delivery of deliveries.values()) delivery.wake()
  }
  return {
    name: 'export',
    everyMs: POLL_MS,
    run() {
      wake()
      if (timeForFigures()) {
        figures.update(deliveries)
        for (const delivery of deliveries.values()) delivery.save()
      }
      tidy()
    },
    async last(signal) {
      wake()
      while (!signal.aborted && [...deliveries.values()].some(isBusy)) {
        await sleep(LAST_POLL_MS, undefined, { signal }).catch(() => undefined)
      }
      figures.update(deliveries)
    },
    async close() {
      await Promise.all([...deliveries.values()].map((delivery) => delivery.stop(GRACE_MS)))
      figures.update(deliveries)
      figures.end(names)
      deliveries.clear()
    },
  }
}

/** Starts what has not been started. Files that settings name may come later: what cannot be used is tried again. */
function starter(options: ExportOptions, deliveries: Map<string, Delivery>): () => void {
  const unusable = new Map<string, string>()
  const again = every(AGAIN_MS, options.now)
  return () => {
    if (deliveries.size === options.sinks.length || !again()) return
    for (const settings of options.sinks) {
      if (deliveries.has(settings.name)) continue
      const delivery = opened(settings, options, unusable)
      if (delivery !== undefined) deliveries.set(settings.name, delivery)
    }
  }
}

/** Whether the ledger has something new since it was last asked. */
function changeIn(db: Store): () => boolean {
  const head = db.prepare<[], number>('SELECT ifnull(max(n), -1) FROM chain').pluck()
  const newest = db.prepare<[], number>('SELECT ifnull(max(number), 0) FROM checkpoints').pluck()
  let seen = ''
  return () => {
    const before = seen
    seen = `${head.get()} ${newest.get()}`
    return seen !== before
  }
}

function tidier({ db, now }: ExportOptions, names: readonly string[]): () => void {
  const cursors = cursorsOf(db, now)
  const due = every(DAY_MS, now)
  return () => {
    if (!due()) return
    cursors.touch(names)
    cursors.prune(names, new Date(now() - KEEP_DAYS * DAY_MS).toISOString())
  }
}

/** Whether so long has passed since it last said so; also when the clock went back. */
function every(ms: number, now: () => number): () => boolean {
  let last = -Infinity
  return () => {
    const time = now()
    if (Math.abs(time - last) < ms) return false
    last = time
    return true
  }
}

// The end of the program does not wait for a receiver that is away.
function isBusy(delivery: Delivery): boolean {
  const { state } = delivery.figures()
  return !delivery.caughtUp() && state !== 'failing' && state !== 'full'
}

function opened(settings: SinkSettings, options: ExportOptions, unusable: Map<string, string>): Delivery | undefined {
  const { db, now } = options
  const { name, type, include, bodies = false } = settings
  const cursors = cursorsOf(db, now)
  const since = settings.since === undefined ? undefined : new Date(settings.since).toISOString()
  // Also for one that cannot be used yet: what comes until then waits for it, over restarts and retention.
  cursors.begin(name, since)
  const sink = made(settings, options, unusable)
  if (sink === undefined) return undefined
  return startDelivery({
    name,
    sink,
    reader: chainReader(db, { include, bodies }),
    fill: bodies ? contentFiller(db, options.contents) : undefined,
    cursors,
    since,
    batch: { ...defaultBatch, ...settings.batch },
    now,
    random: options.random ?? Math.random,
    limits: { sendMs: Math.max(SEND_MS, 3 * (settings.timeoutMs ?? 0)), ...options.limits },
    notice: (notice) => tell(options, { sink: name, type }, notice),
  })
}

function made(settings: SinkSettings, options: ExportOptions, unusable: Map<string, string>): Sink | undefined {
  const { name, type } = settings
  const context: SinkContext = { hostname: hostname(), version: options.version, now: options.now }
  try {
    return createSink(options.types, settings, context)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown'
    options.figure('export_up', 0, { sink: name })
    if (unusable.get(name) === reason) return undefined
    unusable.set(name, reason)
    options.notice('error', 'a sink cannot be used', { sink: name, type, reason })
    return undefined
  }
}

function tell(options: ExportOptions, told: Readonly<Record<string, string>>, notice: DeliveryNotice): void {
  const { kind, ...fields } = notice
  const [level, message] = words[kind]
  options.notice(level, message, { ...told, ...fields })
  if (notice.kind === 'gap') recordGap(options, String(told.sink), notice)
}

/** That a sink will never have some rows is an event, which it gets itself. */
function recordGap({ db, now, notice }: ExportOptions, sink: string, gap: { from: number; to: number }): void {
  const at = new Date(now()).toISOString()
  const [id, after] = [newEventId(now()), JSON.stringify({ fromBlock: gap.from, toBlock: gap.to - 1 })]
  const event = { id, at, who: 'sallyport', what: 'export.gap' as const, subject: sink, before: null, after }
  try {
    writeBriefly(db, () => insertEvent(db, event))
  } catch (cause) {
    notice('warn', 'a gap of a sink could not be recorded', { sink, reason: String(cause) })
  }
}

const words: Readonly<Record<DeliveryNotice['kind'], readonly ['info' | 'warn' | 'error', string]>> = {
  failing: ['warn', 'a sink cannot be delivered to: tried again until it can'],
  recovered: ['info', 'a sink is delivered to again'],
  refused: ['warn', 'a sink refused rows: they are dead letters now'],
  full: ['error', 'a sink has too many dead letters: nothing more is delivered to it'],
  gap: ['error', 'retention removed rows before a sink had them'],
  missing: ['warn', 'rows are gone that a sink should have had'],
}

const defaultBatch = { rows: 500, bytes: 2 ** 20, lingerMs: 200 }
// A sink has its own limit for a request, and may need some of them for a batch.
const SEND_MS = 60_000
const AGAIN_MS = 60_000
const POLL_MS = 200
const FIGURES_MS = 1_000
const LAST_POLL_MS = 20
const GRACE_MS = 1_000
const KEEP_DAYS = 30
const DAY_MS = 86_400_000

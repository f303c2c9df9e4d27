import type { Store } from '../../store/open.ts'
import type { ChoreContext } from '../keeper/chores.ts'
import type { Delivery, DeliveryFigures } from './delivery.ts'
import { cursorsOf } from './cursors.ts'

/** How far behind the chain a sink is. */
export type Lag = { readonly blocks: number; readonly seconds: number }

/** Of a database, the lag of who has had everything before a block. `now` is in milliseconds since 1970. */
export function lagOf(db: Store): (block: number, now: number) => Lag {
  const head = db.prepare<[], number>('SELECT ifnull(max(n), -1) FROM chain').pluck()
  const next = db.prepare<[number], string>('SELECT at FROM chain WHERE n >= ? ORDER BY n LIMIT 1').pluck()
  return (block, now) => {
    const at = next.get(block)
    if (at === undefined) return { blocks: 0, seconds: 0 }
    return { blocks: (head.get() ?? block) + 1 - block, seconds: Math.max(0, (now - Date.parse(at)) / 1_000) }
  }
}

/** Puts what deliveries have to tell into metrics. */
export function exportFigures(
  db: Store,
  { now, figure, count }: Pick<ChoreContext, 'now' | 'figure' | 'count'>,
): {
  readonly update: (deliveries: ReadonlyMap<string, Delivery>) => void
  /** Nobody waits for these sinks any more: they may be removed. */
  readonly end: (sinks: readonly string[]) => void
} {
  const lag = lagOf(db)
  const cursors = cursorsOf(db, now)
  const before = new Map<string, DeliveryFigures>()
  const told = new Map<string, number>()

  /** A figure goes to the main thread only when it has changed. */
  const set = (name: string, sink: string, value: number): void => {
    const key = `${name} ${sink}`
    if (told.get(key) === value) return
    told.set(key, value)
    figure(name, value, { sink })
  }
  const add = (name: string, more: number, labels: Readonly<Record<string, string>>): void => {
    if (more > 0) count(name, more, labels)
  }

  function update(deliveries: ReadonlyMap<string, Delivery>): void {
    const letters = cursors.letterCounts()
    for (const [sink, delivery] of deliveries) {
      const [figures, last] = [delivery.figures(), before.get(sink)]
      const behind = lag(figures.cursor.block, now())
      add('export_rows_total', figures.delivered - (last?.delivered ?? 0), { sink })
      add('export_batches_total', figures.batches - (last?.batches ?? 0), { sink })
      add('export_refused_rows_total', figures.refused - (last?.refused ?? 0), { sink })
      for (const [kind, failures] of Object.entries(figures.failures)) {
        const known = last?.failures[kind as keyof DeliveryFigures['failures']] ?? 0
        add('export_failures_total', failures - known, { sink, class: kind })
      }
      set('export_up', sink, figures.state === 'failing' || figures.state === 'full' ? 0 : 1)
      set('export_dead_letters', sink, letters.get(sink) ?? 0)
      set('export_lag_blocks', sink, behind.blocks)
      set('export_lag_seconds', sink, Math.round(behind.seconds * 10) / 10)
      if (figures.lastSuccess !== undefined) {
        set('export_last_success_timestamp_seconds', sink, figures.lastSuccess / 1_000)
      }
      before.set(sink, { ...figures, failures: { ...figures.failures } })
    }
  }
  function end(sinks: readonly string[]): void {
    for (const sink of sinks) {
      figure('export_up', 1, { sink })
      figure('export_lag_blocks', 0, { sink })
      figure('export_lag_seconds', 0, { sink })
    }
  }
  return { update, end }
}

import { existsSync } from 'node:fs'
import type { Config } from '../config/schema.ts'
import { newEventId } from '../core/ids.ts'
import type { EventKind } from '../store/event-kinds.ts'
import { recordEvent } from '../store/events.ts'
import { databasePath } from '../store/open.ts'
import type { Io } from './command.ts'
import { userName } from './user-name.ts'

export type OperatorAct = {
  readonly what: EventKind
  readonly subject: string
  readonly before?: Readonly<Record<string, unknown>>
  readonly after?: Readonly<Record<string, unknown>>
}

/**
 * Writes what an operator just did to the ledger, when there is one: before the first start there is none, and that start tells what it
 * found. When it cannot be written, that is a warning, for it is done.
 */
export function recordOperatorAct({ data, audit }: Config, io: Pick<Io, 'stderr'>, act: OperatorAct): void {
  if (!existsSync(databasePath(data.dir))) return
  const now = Date.now()
  const [before, after] = [act.before, act.after].map((facts) => (facts === undefined ? null : JSON.stringify(facts)))
  const { what, subject } = act
  const event = { id: newEventId(now), at: new Date(now).toISOString(), who: userName(), what, subject }
  try {
    recordEvent(
      { dir: data.dir, durability: audit.durability },
      { ...event, before: before ?? null, after: after ?? null },
    )
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : 'unknown'
    io.stderr.write(`warning: this is not in the ledger: ${reason}\n`)
  }
}

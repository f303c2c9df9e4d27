import { writeBriefly } from '../../store/brief-write.ts'
import type { Store } from '../../store/open.ts'
import type { ExportTable } from '../sinks/sink.ts'

/** Where a sink stands: the next entry of the chain it has not had, as block and place in it, and the last checkpoint it had. */
export type Cursor = { readonly block: number; readonly position: number; readonly checkpoint: number }

/** What a sink has had, as `sinks` keeps it. */
export type SinkRecord = Cursor & {
  readonly name: string
  /** ISO 8601. */
  readonly created: string
  readonly updated: string
  readonly delivered: number
  readonly delivered_at: string | null
  /** Failures since the last delivery, and the last of them. */
  readonly failures: number
  readonly error: string | null
}

/** A row that a receiver refused: only its name is kept. `row` is the `id`, of a checkpoint the number. */
export type DeadLetter = {
  readonly table: ExportTable
  readonly row: string
  readonly block: number
  readonly reason: string
  readonly attempts: number
}

export type KeptLetter = DeadLetter & { readonly seq: number; readonly sink: string; readonly at: string }

/** What one step of a delivery changes, all or nothing. */
export type Settled = {
  readonly cursor: Cursor
  readonly delivered: number
  readonly dead: readonly DeadLetter[]
}

/** The cursors of sinks and what they were not able to deliver; each write is a short transaction of its own, outside the chain. */
export type Cursors = {
  readonly all: () => SinkRecord[]
  /** The sink's cursor. One that is new begins with what is committed after now, or with the first block of `since` (ISO 8601). */
  readonly begin: (sink: string, since?: string) => Cursor
  readonly settle: (sink: string, settled: Settled) => void
  readonly failed: (sink: string, failures: number, reason: string) => void
  /** Forgets sinks that are not among `configured` and were not used since `before`, and letters whose rows retention removed. */
  readonly prune: (configured: readonly string[], before: string) => void
  /** Says of sinks that they are in use. */
  readonly touch: (sinks: readonly string[]) => void
  readonly letters: (sink: string | undefined, after: number, limit: number) => KeptLetter[]
  readonly letterCounts: () => Map<string, number>
  readonly countLetters: (sink: string) => number
  /** Adds dead letters alone. */
  readonly bury: (sink: string, dead: readonly DeadLetter[]) => void
  readonly dropLetter: (seq: number) => void
  readonly triedLetter: (seq: number, reason: string) => void
}

/** `db` may be open for reading only when nothing is begun, settled, pruned or dropped. `now` is in milliseconds since 1970. */
export function cursorsOf(db: Store, now: () => number): Cursors {
  const iso = (): string => new Date(now()).toISOString()
  const statements = statementsOf(db)
  const begin = (sink: string, since?: string): Cursor => {
    const known = statements.one.get(sink)
    if (known !== undefined) return known
    const cursor = since === undefined ? startNow(db) : startAt(db, since)
    statements.insert.run(sink, cursor.block, cursor.position, cursor.checkpoint, iso(), iso())
    return cursor
  }
  const settle = (sink: string, { cursor, delivered, dead }: Settled): void => {
    const at = iso()
    const { block, position, checkpoint } = cursor
    statements.move.run({ sink, block, position, checkpoint, at, delivered })
    bury(sink, dead)
  }
  const bury = (sink: string, dead: readonly DeadLetter[]): void => {
    for (const { table, row, block, reason, attempts } of dead) {
      statements.bury.run(sink, table, row, block, iso(), reason.slice(0, REASON_CHARS), attempts)
    }
  }
  const prune = (configured: readonly string[], before: string): void => {
    statements.forget.run(before, JSON.stringify(configured))
    statements.orphanLetters.run()
  }
  const briefly = <T>(run: () => T): T => writeBriefly(db, run)
  return {
    all: () => statements.all.all(),
    begin: (sink, since) => statements.one.get(sink) ?? briefly(() => begin(sink, since)),
    settle: (sink, settled) => briefly(() => settle(sink, settled)),
    failed: (sink, failures, reason) =>
      void briefly(() => statements.fail.run(failures, reason.slice(0, REASON_CHARS), sink)),
    prune: (configured, before) => briefly(() => prune(configured, before)),
    touch: (sinks) => void briefly(() => statements.touch.run(iso(), JSON.stringify(sinks))),
    letters: (sink, after, limit) => statements.letters.all({ sink: sink ?? null, after, limit }),
    letterCounts: () => new Map(statements.letterCounts.all().map(({ sink, count }) => [sink, count])),
    countLetters: (sink) => statements.countLetters.get(sink) ?? 0,
    bury: (sink, dead) => briefly(() => bury(sink, dead)),
    dropLetter: (seq) => void briefly(() => statements.drop.run(seq)),
    triedLetter: (seq, reason) => void briefly(() => statements.tried.run(reason.slice(0, REASON_CHARS), iso(), seq)),
  }
}

/** Behind all that is committed. */
export function startNow(db: Store): Cursor {
  const block = db.prepare<[], number>('SELECT ifnull(max(n), -1) + 1 FROM chain').pluck().get() ?? 0
  return { block, position: 0, checkpoint: newestCheckpoint(db, '9') }
}

/** The first block committed at `since` or later (ISO 8601); behind all when there is none. */
export function startAt(db: Store, since: string): Cursor {
  const block = db
    .prepare<[string], number | null>('SELECT min(n) FROM chain WHERE n > 0 AND at >= ?')
    .pluck()
    .get(since)
  return block === null || block === undefined
    ? startNow(db)
    : { block, position: 0, checkpoint: newestCheckpoint(db, since) }
}

function newestCheckpoint(db: Store, before: string): number {
  const sql = 'SELECT ifnull(max(number), 0) FROM checkpoints WHERE at < ?'
  return db.prepare<[string], number>(sql).pluck().get(before) ?? 0
}

function statementsOf(db: Store) {
  return {
    all: db.prepare<[], SinkRecord>('SELECT * FROM sinks ORDER BY name'),
    one: db.prepare<[string], Cursor>('SELECT block, position, checkpoint FROM sinks WHERE name = ?'),
    insert: db.prepare(
      'INSERT INTO sinks (name, block, position, checkpoint, created, updated) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    move: db.prepare(
      `UPDATE sinks SET block = :block, position = :position, checkpoint = :checkpoint, updated = :at, failures = 0, error = NULL,
         delivered = delivered + :delivered, delivered_at = CASE WHEN :delivered > 0 THEN :at ELSE delivered_at END
       WHERE name = :sink`,
    ),
    fail: db.prepare('UPDATE sinks SET failures = ?, error = ? WHERE name = ?'),
    touch: db.prepare('UPDATE sinks SET updated = ? WHERE name IN (SELECT value FROM json_each(?))'),
    forget: db.prepare('DELETE FROM sinks WHERE updated < ? AND name NOT IN (SELECT value FROM json_each(?))'),
    orphanLetters: db.prepare(
      `DELETE FROM dead_letters WHERE sink NOT IN (SELECT name FROM sinks)
         OR (table_name <> 'checkpoints' AND block < (SELECT min(n) FROM chain WHERE n > 0))`,
    ),
    bury: db.prepare(
      `INSERT INTO dead_letters (sink, table_name, row_id, block, at, reason, attempts) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (sink, table_name, row_id) DO UPDATE SET block = excluded.block, at = excluded.at, reason = excluded.reason,
         attempts = attempts + excluded.attempts`,
    ),
    letters: db.prepare<[{ sink: string | null; after: number; limit: number }], KeptLetter>(
      `SELECT seq, sink, table_name AS "table", row_id AS row, block, at, reason, attempts FROM dead_letters
       WHERE seq > :after AND (:sink IS NULL OR sink = :sink) ORDER BY seq LIMIT :limit`,
    ),
    letterCounts: db.prepare<[], { sink: string; count: number }>(
      'SELECT sink, count(*) AS count FROM dead_letters GROUP BY sink',
    ),
    countLetters: db.prepare<[string], number>('SELECT count(*) FROM dead_letters WHERE sink = ?').pluck(),
    drop: db.prepare('DELETE FROM dead_letters WHERE seq = ?'),
    tried: db.prepare('UPDATE dead_letters SET attempts = attempts + 1, reason = ?, at = ? WHERE seq = ?'),
  }
}

const REASON_CHARS = 500

import { sign } from 'node:crypto'
import { newEventId } from '../../core/ids.ts'
import { chainOf, ENTRY_BYTES } from '../../store/chain.ts'
import { insertEvent } from '../../store/events.ts'
import type { Store } from '../../store/open.ts'
import { ledgerKey } from './ledger-key.ts'
import type { CheckpointLine, Removed } from '../verify/source.ts'
import { fingerprintOf, sha256Hex, type Statement } from '../verify/statement.ts'

export type CheckpointOptions = {
  /** The data folder, where the key is. */
  readonly dir: string
  readonly reason: Statement['reason']
  /** Makes none when nothing was written since the last one, as `interval` and `shutdown` always do. */
  readonly onlyNew?: boolean
  /** Milliseconds since 1970. */
  readonly now: number
  /** For `retention`: all that was ever removed, with what is being removed now. */
  readonly removed?: Removed
}

/**
 * Signs the chain as it stands and adds the checkpoint; inside the caller's transaction (which has the write lock) or one of its own. The
 * first makes the key. Undefined when there was nothing to sign.
 */
export function makeCheckpoint(db: Store, options: CheckpointOptions): CheckpointLine | undefined {
  const run = (): CheckpointLine | undefined => {
    const last = lastCheckpoint(db)
    const onlyNew = options.onlyNew ?? ['interval', 'shutdown'].includes(options.reason)
    if (onlyNew && chainOf(db).head().n === (last?.block ?? 0)) return undefined
    return signed(db, options, last)
  }
  return db.inTransaction ? run() : db.transaction(run).immediate()
}

export function lastCheckpoint(db: Store): CheckpointLine | undefined {
  return db.prepare<[], CheckpointLine>(`SELECT ${columns} FROM checkpoints ORDER BY number DESC LIMIT 1`).get()
}

/** What retention has removed so far; null: nothing. */
export function removedSoFar(db: Store): Removed | null {
  const sql = `SELECT statement FROM checkpoints WHERE reason = 'retention' ORDER BY number DESC LIMIT 1`
  const statement = db.prepare<[], string>(sql).pluck().get()
  return statement === undefined ? null : (JSON.parse(statement) as Statement).removed
}

/** A checkpoint on one line, as it is kept elsewhere. */
export function checkpointText({ statement, signature }: CheckpointLine): string {
  return `${JSON.stringify({ statement, signature: Buffer.from(signature).toString('base64url') })}\n`
}

function signed(db: Store, options: CheckpointOptions, last: CheckpointLine | undefined): CheckpointLine {
  const { dir, reason, now, removed = null } = options
  const key = ledgerKey(dir)
  const at = new Date(now).toISOString()
  if (key.created) noteKey(db, at, key.publicKey, last)
  // The last thing read: the event of the key is covered already.
  const head = chainOf(db).head()
  const before = last && (JSON.parse(last.statement) as Statement)
  const number = (last?.number ?? 0) + 1
  const statement: Statement = {
    sallyport: 'checkpoint',
    version: 1,
    ledger: before?.ledger ?? ledgerName(db),
    number,
    at,
    reason,
    block: head.n,
    link: Buffer.from(head.link).toString('hex'),
    entries: entriesSoFar(db, before, removed),
    previous: last === undefined ? null : sha256Hex(last.statement),
    removed,
    key: key.publicKey,
  }
  const text = JSON.stringify(statement)
  const signature = sign(null, Buffer.from(text, 'utf8'), key.privateKey)
  const line = { number, at, reason, block: head.n, statement: text, signature }
  db.prepare(`INSERT INTO checkpoints (${columns}) VALUES (@number, @at, @reason, @block, @statement, @signature)`).run(
    line,
  )
  return line
}

// What the last one counted, or what was removed when that is more, and all since.
function entriesSoFar(db: Store, before: Statement | undefined, removed: Removed | null): number {
  const known =
    removed !== null && removed.toBlock > (before?.block ?? 0)
      ? { block: removed.toBlock, entries: removed.entries }
      : { block: before?.block ?? 0, entries: before?.entries ?? 0 }
  const sum = db.prepare<[number], number>('SELECT ifnull(sum(length(entries)), 0) FROM chain WHERE n > ?').pluck()
  return known.entries + (sum.get(known.block) ?? 0) / ENTRY_BYTES
}

function noteKey(db: Store, at: string, publicKey: string, last: CheckpointLine | undefined): void {
  const before = last === undefined ? null : fingerprintOf((JSON.parse(last.statement) as Statement).key)
  insertEvent(db, {
    id: newEventId(Date.parse(at)),
    at,
    who: 'sallyport',
    what: 'ledger.key.create',
    before: before === null ? null : JSON.stringify({ fingerprint: before }),
    after: JSON.stringify({ fingerprint: fingerprintOf(publicKey) }),
  })
}

/** Which ledger it is, in hex: the link of block 0, which each checkpoint repeats, for retention removes that block. */
export function ledgerName(db: Store): string {
  const link = db.prepare<[], Buffer>('SELECT link FROM chain WHERE n = 0').pluck().get()
  if (link !== undefined) return link.toString('hex')
  const last = lastCheckpoint(db)
  if (last === undefined) throw new Error('the ledger has neither block 0 nor a checkpoint')
  return (JSON.parse(last.statement) as Statement).ledger
}

const columns = 'number, at, reason, block, statement, signature'

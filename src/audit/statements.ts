import { chainColumns, chainColumnsSql, type ChainedTable } from '../store/chain.ts'
import type { Side } from './bodies/seal.ts'
import type { ContentColumns } from './bodies/seal-rows.ts'
import type { ConnectionRow, EventRow, ExchangeDone, ExchangeOpen, RequestContent, Value } from './rows.ts'

/** The kinds of writes, as their number in a batch. */
export const kinds = { open: 0, done: 1, once: 2, connection: 3, event: 4 } as const

export type WriteKind = (typeof kinds)[keyof typeof kinds]

/** What a column that the chain covers is after a write: a place among its values, or this in any case. */
export type Cover = number | string | null

/** What it is after an open row was finished: as before; or what stands `at` a place, alone, unless that is null, or with what was before behind it. */
export type Merge = 'kept' | { readonly how: 'set' | 'learnt' | 'joined'; readonly at: number }

/**
 * A kind of write: its SQL, which takes the number of the block and then `width` values. `covers` tells the chain what the row is then;
 * `read` when the statement gives it itself, after `seq`.
 */
export type WriteStatement = {
  readonly sql: string
  readonly width: number
  readonly table: ChainedTable
  readonly covers: 'read' | readonly Cover[]
  readonly content?: ContentColumns
  /** Where the id stands of a row that several writes can be about. */
  readonly id?: number
  /** The row is one that another write will finish. */
  readonly opens?: boolean
  /**
   * A way that reads nothing, and where it has no effect the other is taken: the row is new; or it is as it was remembered, and the SQL takes
   * `seq` and block of that after the values.
   */
  readonly quick?:
    | { readonly sql: string; readonly covers: readonly Cover[] }
    | { readonly sql: string; readonly merges: readonly Merge[] }
}

/**
 * The statement of each kind, by its number. Every one may be run again after a crash of the writer without a second effect. `owner` is
 * the id of this process in the store.
 */
export function writeStatements(owner: number): WriteStatement[] {
  const open = ['state', ...openColumns]
  return [
    {
      sql: `INSERT INTO exchanges (block, owner, state, ${openColumns.join(', ')})
       VALUES (?, ${owner}, 'open', ${marks(openColumns)}) ON CONFLICT (id) DO NOTHING`,
      width: openColumns.length,
      table: 'exchanges',
      covers: chainColumns.exchanges.map((name) =>
        name === 'state' ? 'open' : open.includes(name) ? openColumns.indexOf(name) : null,
      ),
      content: contentOf(openColumns),
      id: openColumns.indexOf('id'),
      opens: true,
    },
    {
      sql: `UPDATE exchanges SET block = ?, ${doneColumns.map(assignment).join(', ')} WHERE id = ?
       RETURNING seq, ${chainColumnsSql('exchanges')}`,
      width: doneColumns.length + 1,
      table: 'exchanges',
      covers: 'read',
      content: contentOf([...doneColumns, 'id']),
      id: doneColumns.length,
      quick: {
        sql: `UPDATE exchanges SET block = ?, ${doneColumns.map(assignment).join(', ')} WHERE id = ? AND seq = ? AND block = ?`,
        merges: chainColumns.exchanges.map(mergeOf),
      },
    },
    {
      sql: `INSERT INTO exchanges (block, owner, ${onceColumns.join(', ')}) VALUES (?, ${owner}, ${marks(onceColumns)})
       ON CONFLICT (id) DO UPDATE SET ${['block', ...onceColumns].map((name) => `${name} = excluded.${name}`).join(', ')}
       RETURNING seq, ${chainColumnsSql('exchanges')}`,
      width: onceColumns.length,
      table: 'exchanges',
      covers: 'read',
      content: contentOf(onceColumns),
      id: onceColumns.indexOf('id'),
      quick: insert('exchanges', onceColumns, owner),
    },
    { ...insert('connections', connectionColumns), table: 'connections' },
    { ...insert('events', eventColumns), table: 'events' },
  ]
}

/** Where in the values of a write of a kind the columns stand that the writer of a spill file fills in. */
export function fileColumns(kind: WriteKind, side: Side): { spill: number; sha256: number; error: number } {
  const columns = columnsWithFiles[kind] ?? []
  return {
    spill: columns.indexOf(`${side}_spill`),
    sha256: columns.indexOf(`${side}_sha256`),
    error: columns.indexOf('error'),
  }
}

function contentOf(columns: readonly string[]): ContentColumns {
  const sides = (['request', 'response'] as const).filter((side) => columns.includes(`${side}_body`))
  return {
    id: columns.indexOf('id'),
    bodyKey: columns.indexOf('body_key'),
    sides: sides.map((side) => ({
      side,
      body: columns.indexOf(`${side}_body`),
      spill: columns.indexOf(`${side}_spill`),
    })),
  }
}

// `body_key` is for the writer to fill in, which has the key. Values are pushed in the order of the column lists below, one flat array for a whole batch: it is cloned to the writer's thread,
// and arrays of objects cost several times as much.

export function pushOpen(to: (Value | WriteKind)[], row: ExchangeOpen): void {
  to.push(row.id, row.at, row.door, row.clientIp, row.principal, row.process, row.host, row.port, row.method, row.path)
  to.push(row.httpVersion, row.provider, row.operation, row.policy, row.connectionId, row.traceId)
  to.push(row.model, flag(row.stream), row.requestBytes ?? null, row.requestBody ?? null, requestSpillOf(row))
  to.push(row.requestSha256 ?? null, flag(row.requestTruncated), null, null)
}

export function pushDone(to: (Value | WriteKind)[], row: ExchangeDone): void {
  pushOutcome(to, row)
  to.push(row.model ?? null, flag(row.stream), row.requestBytes ?? null, row.requestBody ?? null, requestSpillOf(row))
  to.push(row.requestSha256 ?? null, flag(row.requestTruncated), null, row.id)
}

export function pushOnce(to: (Value | WriteKind)[], open: ExchangeOpen, done: ExchangeDone): void {
  to.push(open.id, open.at, open.door, open.clientIp, open.principal, open.process, open.host, open.port, open.method)
  to.push(open.path, open.httpVersion, open.provider, open.operation, open.policy, open.connectionId, open.traceId)
  pushOutcome(to, done)
  to.push(done.model ?? open.model, flag(done.stream ?? open.stream), done.requestBytes ?? open.requestBytes ?? null)
  to.push(done.requestBody ?? open.requestBody ?? null, requestSpillOf(done) ?? requestSpillOf(open))
  to.push(done.requestSha256 ?? open.requestSha256 ?? null, flag(done.requestTruncated ?? open.requestTruncated), null)
}

export function pushConnection(to: (Value | WriteKind)[], row: ConnectionRow): void {
  to.push(row.id, row.at, row.clientIp, row.principal, row.host, row.port, row.sni, row.alpn, row.handling, row.reason)
  to.push(row.bytesUp, row.bytesDown, row.durationMs, row.error, row.attestation ?? null)
}

export function pushEvent(to: (Value | WriteKind)[], row: EventRow): void {
  to.push(row.id, row.at, row.who, row.what, row.subject ?? null, row.before, row.after)
}

function pushOutcome(to: (Value | WriteKind)[], row: ExchangeDone): void {
  to.push(row.upstreamHttpVersion, row.status, row.decision, row.rule, row.findings, row.hooks, row.responseBytes)
  to.push(row.firstByteMs, row.durationMs, row.addedMs, row.inputTokens, row.cachedTokens, row.cacheWriteTokens)
  to.push(row.outputTokens, row.reasoningTokens, row.costUsd, row.finishReason, row.upstreamId, row.cache, row.tools)
  to.push(row.responseBody, spillOf(row.responseSpill, row.responseSha256, row.responseContent), row.responseSha256)
  to.push(flag(row.responseTruncated), row.state, row.error)
  to.push(row.attestation ?? null)
}

function requestSpillOf(row: Partial<RequestContent>): string | null {
  return spillOf(row.requestSpill, row.requestSha256, row.requestContent)
}

// A name with neither is of a file that the writer was given with an earlier row; whether it could be written is said there.
function spillOf(name: string | null | undefined, sha256: unknown, content: unknown): string | null {
  return sha256 || content ? (name ?? null) : null
}

function flag(value: boolean | null | undefined): 0 | 1 | null {
  return value === null || value === undefined ? null : value ? 1 : 0
}

function insert(table: ChainedTable, columns: readonly string[], owner?: number) {
  const [column, value] = owner === undefined ? ['', ''] : ['owner, ', `${owner}, `]
  return {
    sql: `INSERT INTO ${table} (block, ${column}${columns.map((name) => `"${name}"`).join(', ')})
     VALUES (?, ${value}${marks(columns)}) ON CONFLICT (id) DO NOTHING`,
    width: columns.length,
    covers: chainColumns[table].map((name) => (columns.includes(name) ? columns.indexOf(name) : null)),
  }
}

/** As `assignment` has it in SQL, for a row that is open. */
function mergeOf(column: string): Merge {
  const at = doneColumns.indexOf(column)
  if (at < 0) return 'kept'
  if (column === 'error') return { how: 'joined', at }
  return { how: learntColumns.includes(column) ? 'learnt' : 'set', at }
}

function assignment(column: string): string {
  if (column === 'error') return `error = CASE WHEN state IN ('done', 'aborted') THEN error ELSE ${bothErrors} END`
  return learntColumns.includes(column) ? `${column} = coalesce(?, ${column})` : `${column} = ?`
}

const marks = (columns: readonly string[]): string => columns.map(() => '?').join(', ')

const words = (text: string): string[] => text.trim().split(/\s+/)

const headColumns = words(`id at door client_ip principal process host port method path http_version provider operation
  policy connection_id trace_id`)
const outcomeColumns =
  words(`upstream_http_version status decision rule findings hooks response_bytes first_byte_ms duration_ms
  added_ms input_tokens cached_tokens cache_write_tokens output_tokens reasoning_tokens cost_usd finish_reason upstream_id cache
  tools response_body response_spill response_sha256 response_truncated state error attestation`)
/** Known at first or only at the end: the later word counts unless it is null. */
const learntColumns = words(
  'model stream request_bytes request_body request_spill request_sha256 request_truncated body_key',
)
const openColumns = [...headColumns, ...learntColumns, 'error']
const doneColumns = [...outcomeColumns, ...learntColumns]
const onceColumns = [...headColumns, ...outcomeColumns, ...learntColumns]
const columnsWithFiles: readonly (readonly string[])[] = [openColumns, doneColumns, onceColumns]
/** An open row has an error when its request could not be kept; a second run must not add to it again. */
const bothErrors = `nullif(concat_ws('; ', ?, error), '')`
const connectionColumns =
  words(`id at client_ip principal host port sni alpn handling reason bytes_up bytes_down duration_ms error
  attestation`)
const eventColumns = words('id at who what subject before after')

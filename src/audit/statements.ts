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

/** SQL with parts that are there only when the value at a place is not null. */
export type ShapedSql = readonly (string | { readonly at: number; readonly text: string })[]

/**
 * A kind of write, of `width` values. `quick` reads nothing, and binds only the number of the block and the values that are not null. Where it
 * has no effect `slow` is taken, which takes all values and gives the row back, `seq` first.
 */
export type WriteStatement = {
  readonly width: number
  readonly table: ChainedTable
  readonly content?: ContentColumns
  /** Where the id stands of a row that several writes can be about. */
  readonly id?: number
  /** The row is one that another write will finish. */
  readonly opens?: boolean
  /** The row is new: `covers` tells the chain what it is. Or it is as it was remembered: the SQL takes `seq` and block of that last. */
  readonly quick:
    | { readonly sql: ShapedSql; readonly covers: readonly Cover[] }
    | { readonly sql: ShapedSql; readonly merges: readonly Merge[] }
  readonly slow?: string
}

/**
 * The statement of each kind, by its number. Every one may be run again after a crash of the writer without a second effect. `owner` is
 * the id of this process in the store.
 */
export function writeStatements(owner: number): WriteStatement[] {
  return [
    {
      ...insert('exchanges', openColumns, { owner, state: 'open' }),
      content: contentOf(openColumns),
      id: openColumns.indexOf('id'),
      opens: true,
    },
    {
      width: doneColumns.length + 1,
      table: 'exchanges',
      content: contentOf([...doneColumns, 'id']),
      id: doneColumns.length,
      quick: {
        sql: [
          'UPDATE exchanges SET block = ?',
          ...doneColumns.map((name, at) => ({ at, text: `, ${assignment(name)}` })),
          ' WHERE id = ? AND seq = ? AND block = ?',
        ],
        merges: chainColumns.exchanges.map(mergeOf),
      },
      slow: `UPDATE exchanges SET block = ?, ${doneColumns.map(assignment).join(', ')} WHERE id = ?
       RETURNING seq, ${chainColumnsSql('exchanges')}`,
    },
    {
      ...insert('exchanges', onceColumns, { owner }),
      content: contentOf(onceColumns),
      id: onceColumns.indexOf('id'),
      slow: `INSERT INTO exchanges (block, owner, ${onceColumns.join(', ')}) VALUES (?, ${owner}, ${marks(onceColumns)})
       ON CONFLICT (id) DO UPDATE SET ${['block', ...onceColumns].map((name) => `${name} = excluded.${name}`).join(', ')}
       RETURNING seq, ${chainColumnsSql('exchanges')}`,
    },
    insert('connections', connectionColumns),
    insert('events', eventColumns),
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

// Values are pushed in the order of the column lists below, one flat array for a whole batch: it is cloned to the writer's thread, and arrays of
// objects cost several times as much. `body_key` is for the writer to fill in, which has the key.

export function pushOpen(to: (Value | WriteKind)[], row: ExchangeOpen): void {
  to.push(row.id, row.at, row.door, row.clientIp, row.principal, row.host, row.port, row.method, row.path)
  to.push(row.httpVersion, row.provider, row.operation, row.policy, row.connectionId, row.traceId)
  to.push(
    row.process,
    row.model,
    flag(row.stream),
    row.requestBytes ?? null,
    row.requestBody ?? null,
    requestSpillOf(row),
  )
  to.push(row.requestSha256 ?? null, flag(row.requestTruncated), null, null)
}

export function pushDone(to: (Value | WriteKind)[], row: ExchangeDone): void {
  pushOutcome(to, row)
  to.push(row.process ?? null, row.model ?? null, flag(row.stream), row.requestBytes ?? null)
  to.push(row.requestBody ?? null, requestSpillOf(row), row.requestSha256 ?? null, flag(row.requestTruncated))
  to.push(null, row.id)
}

export function pushOnce(to: (Value | WriteKind)[], open: ExchangeOpen, done: ExchangeDone): void {
  to.push(open.id, open.at, open.door, open.clientIp, open.principal, open.host, open.port, open.method)
  to.push(open.path, open.httpVersion, open.provider, open.operation, open.policy, open.connectionId, open.traceId)
  pushOutcome(to, done)
  to.push(
    done.process ?? open.process,
    done.model ?? open.model,
    flag(done.stream ?? open.stream),
    done.requestBytes ?? open.requestBytes ?? null,
  )
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

function insert(
  table: ChainedTable,
  columns: readonly string[],
  fixed: Readonly<Record<string, string | number>> = {},
) {
  const names = ['block', ...Object.keys(fixed)].join(', ')
  const values = ['?', ...Object.values(fixed).map((value) => (typeof value === 'number' ? value : `'${value}'`))]
  const sql: ShapedSql = [
    `INSERT INTO ${table} (${names}`,
    ...columns.map((name, at) => ({ at, text: `, "${name}"` })),
    `) VALUES (${values.join(', ')}`,
    ...columns.map((_, at) => ({ at, text: ', ?' })),
    ') ON CONFLICT (id) DO NOTHING',
  ]
  const covers = chainColumns[table].map((name) => {
    return columns.includes(name) ? columns.indexOf(name) : name === 'state' ? 'open' : null
  })
  return { table, width: columns.length, quick: { sql, covers } }
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

const headColumns = words(`id at door client_ip principal host port method path http_version provider operation
  policy connection_id trace_id`)
const outcomeColumns =
  words(`upstream_http_version status decision rule findings hooks response_bytes first_byte_ms duration_ms
  added_ms input_tokens cached_tokens cache_write_tokens output_tokens reasoning_tokens cost_usd finish_reason upstream_id cache
  tools response_body response_spill response_sha256 response_truncated state error attestation`)
/** Known at first or only at the end: the later word counts unless it is null. */
const learntColumns = words(
  'process model stream request_bytes request_body request_spill request_sha256 request_truncated body_key',
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

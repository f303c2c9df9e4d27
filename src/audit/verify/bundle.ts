import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  createReadStream,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
} from 'node:fs'
import { join } from 'node:path'
import { tables } from './rows.ts'
import type { Block, CheckpointLine, Content, Row, Side, Source, Table } from './source.ts'
import { checkpointLine } from './statement.ts'

/** `bundle.json`: what a bundle holds. `excerpt`: of the rows that are not between `since` and `until` it has the digests only. */
export type BundleHead = {
  readonly sallyport: 'bundle'
  readonly version: 1
  readonly ledger: string
  readonly made: string
  readonly excerpt: boolean
  readonly since: string | null
  readonly until: string | null
}

/** A line of `exchanges.jsonl`, `connections.jsonl` or `events.jsonl`. `row` has the columns that the chain covers. */
export type BundleRow = {
  readonly seq: number
  readonly block: number
  readonly row: Readonly<Record<string, string | number | null>>
  readonly request?: BundleContent
  readonly response?: BundleContent
}

/** Content as it was opened: its text, or the name of a file with it; or why it is not here. */
export type BundleContent =
  | { readonly text: string }
  | { readonly file: string }
  | { readonly not: 'sealed' | 'missing' | 'altered' | 'skipped' }

/** An exported bundle. Throws for a folder that is none. */
export function bundleSource(dir: string, columns: Source['columns']): Source {
  const head = headOf(dir)
  const strays: (Row & { readonly table: Table })[] = []
  const readers = new Map(tables.map((table) => [table, rowReader(join(dir, `${table}.jsonl`), columns[table])]))

  /** The rows of block `n`; what stands before them is of no block. */
  function take(table: Table, n: number): Map<number, Row> {
    const reader = readers.get(table)!
    const found = new Map<number, Row>()
    for (let row = reader.peek(); row !== undefined && row.block <= n; row = reader.next()) {
      if (row.block === n && !found.has(row.seq)) found.set(row.seq, row)
      else keepStray(table, row)
    }
    return found
  }

  function keepStray(table: Table, row: Row): void {
    if (strays.length < MOST_STRAYS) strays.push({ ...row, table })
  }

  function* rows(n: number, wanted: readonly { table: Table; seq: number }[]): Iterable<Row | undefined> {
    const found = new Map(tables.map((table) => [table, take(table, n)]))
    for (const { table, seq } of wanted) {
      yield found.get(table)!.get(seq)
      found.get(table)!.delete(seq)
    }
    for (const [table, left] of found) for (const row of left.values()) keepStray(table, row)
  }

  function* left(): Iterable<Row & { readonly table: Table }> {
    for (const table of tables) for (const row of take(table, Infinity).values()) keepStray(table, row)
    yield* strays
  }

  return {
    columns,
    excerpt: head.excerpt,
    blocks: () => blocksIn(join(dir, 'blocks.jsonl')),
    checkpoints: () => checkpointsIn(join(dir, 'checkpoints.jsonl')),
    rows,
    content: (row, side) =>
      contentIn(dir, row.body as Bodies, side, row.values[columns.exchanges.indexOf(`${side}_sha256`)]),
    find: () => undefined,
    strays: left,
  }
}

function headOf(dir: string): BundleHead {
  const path = join(dir, 'bundle.json')
  if (!existsSync(path)) throw new Error(`${dir} is not a bundle: it has no bundle.json`)
  const head: unknown = JSON.parse(readFileSync(path, 'utf8'))
  if (!isHead(head)) throw new Error(`${path} is not of a bundle that this program knows`)
  return head
}

function isHead(head: unknown): head is BundleHead {
  if (typeof head !== 'object' || head === null) return false
  return (
    'sallyport' in head && head.sallyport === 'bundle' && 'version' in head && head.version === 1 && 'excerpt' in head
  )
}

function* blocksIn(path: string): Iterable<Block> {
  yield* linesRead(path, (line): Block => {
    const { n, at, entries, link } = jsonOf(line) as { n: number; at: string; entries: string; link: string }
    return { n, at, entries: Buffer.from(entries, 'base64'), link: Buffer.from(link, 'hex') }
  })
}

function* checkpointsIn(path: string): Iterable<CheckpointLine> {
  yield* linesRead(path, (line) => {
    const checkpoint = checkpointLine(line)
    if (checkpoint === undefined) throw new SyntaxError('it is not a checkpoint')
    return checkpoint
  })
}

/** What a line says of its content; a text is only held as its hash. */
type Bodies = Readonly<Record<Side, BundleContent | { readonly sha256: string } | undefined>>

/** One row at a time, and the next one to look at. */
function rowReader(path: string, columns: readonly string[]) {
  const read = (line: string): Row => rowOf(jsonOf(line) as BundleRow, columns)
  const lines = existsSync(path) ? linesRead(path, read) : [].values()
  let current: Row | undefined
  const next = (): Row | undefined => {
    const step = lines.next()
    return (current = step.done === true ? undefined : step.value)
  }
  let begun = false
  const peek = (): Row | undefined => {
    if (!begun) next()
    begun = true
    return current
  }
  return { peek, next }
}

function rowOf(line: BundleRow, columns: readonly string[]): Row {
  const { seq, block, row, request, response, ...others } = line
  if (!Number.isSafeInteger(seq) || !Number.isSafeInteger(block) || typeof row !== 'object' || row === null)
    throw new SyntaxError('it is not a row')
  // Nothing would vouch for it.
  if (Object.keys(others).length > 0) throw new SyntaxError('it has more than a row')
  const hashed = (side: Side, content: BundleContent | undefined): Bodies[Side] => {
    if (content === undefined) return undefined
    if (!isContent(content)) throw new SyntaxError(`its ${side} is no content`)
    if ('not' in content) return content.not === 'sealed' && row['body_key'] === null ? { not: 'altered' } : content
    if ('text' in content) return { sha256: sha256(content.text) }
    return content.file === `bodies/${row['id']}.${side}` ? content : { not: 'altered' }
  }
  // A name that is not one of the columns is nothing that was ever signed.
  const names = Object.keys(row)
  const same = names.length === columns.length && columns.every((name, i) => name === names[i])
  const values = same ? columns.map((name) => row[name] ?? null) : []
  return {
    seq,
    block,
    values,
    body: { request: hashed('request', request), response: hashed('response', response) } satisfies Bodies,
  }
}

/** One of the forms that there are, and nothing beside it. */
function isContent(content: unknown): content is BundleContent {
  if (typeof content !== 'object' || content === null) return false
  const [[name, value] = [], ...others] = Object.entries(content)
  if (others.length > 0 || typeof value !== 'string') return false
  return name === 'not' ? REASONS.includes(value) : name === 'text' || name === 'file'
}

function contentIn(dir: string, bodies: Bodies, side: Side, should: unknown): Content | Promise<Content> {
  const content = bodies[side]
  if (content === undefined) return { kind: 'none', file: false }
  if ('not' in content) return { kind: content.not, file: content.not === 'missing' || content.not === 'altered' }
  if ('sha256' in content) return { kind: content.sha256 === should ? 'fits' : 'altered', file: false }
  return 'file' in content ? fileIn(dir, content.file, should) : { kind: 'altered', file: false }
}

async function fileIn(dir: string, name: string, should: unknown): Promise<Content> {
  if (!BODY_NAME.test(name)) return { kind: 'altered', file: true }
  const sum = createHash('sha256')
  try {
    const path = join(dir, name)
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    if (!fstatSync(fd).isFile()) return (closeSync(fd), { kind: 'altered', file: true })
    for await (const piece of createReadStream(path, { fd })) sum.update(piece as Buffer)
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    return { kind: missing ? 'missing' : 'altered', file: true }
  }
  return { kind: sum.digest('hex') === should ? 'fits' : 'altered', file: true }
}

/** What cannot be read is named by its line. */
function* linesRead<T>(path: string, read: (line: string) => T): Generator<T, undefined> {
  let number = 0
  for (const line of linesOf(path)) {
    number += 1
    yield readLine(line, read, `${path}, line ${number}`)
  }
  return undefined
}

function readLine<T>(line: string, read: (line: string) => T, place: string): T {
  try {
    return read(line)
  } catch (cause) {
    throw new SyntaxError(`${place}: ${cause instanceof Error ? cause.message : 'unknown'}`, { cause })
  }
}

/** An object in the one form that we write: a name that stands there twice reads differently to others. */
function jsonOf(line: string): object {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw new SyntaxError('it is not JSON', { cause })
  }
  if (typeof value !== 'object' || value === null || JSON.stringify(value) !== line)
    throw new SyntaxError('it is not in its form')
  return value
}

function* linesOf(path: string): Generator<string> {
  // What is no file, a pipe say, may never end.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    if (!fstatSync(fd).isFile()) throw new TypeError(`${path} is not a file`)
    const piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
    let rest: Buffer[] = []
    let length = 0
    for (let read = readSync(fd, piece); read > 0; read = readSync(fd, piece)) {
      let from = 0
      for (let end = piece.indexOf(10); end >= 0 && end < read; end = piece.indexOf(10, from)) {
        yield Buffer.concat([...rest, piece.subarray(from, end)]).toString('utf8')
        rest = []
        length = 0
        from = end + 1
      }
      length += read - from
      if (length > MOST_LINE_BYTES) throw new RangeError(`${path} has a line that is too long`)
      rest.push(Buffer.from(piece.subarray(from, read)))
    }
    const last = Buffer.concat(rest).toString('utf8')
    if (last !== '') yield last
  } finally {
    closeSync(fd)
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex')
const BODY_NAME = /^bodies\/[0-9a-f-]{36}\.(?:request|response)$/
const PIECE_BYTES = 1_048_576
const MOST_STRAYS = 1_000
// Two bodies of 16 MiB, escaped in JSON, and all else.
const MOST_LINE_BYTES = 268_435_456
const REASONS = ['sealed', 'missing', 'altered', 'skipped']

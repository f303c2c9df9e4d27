import { hash } from 'node:crypto'
import type Database from 'better-sqlite3'
import type { EntryKind, OpenBlock } from '../store/chain.ts'
import type { Value } from './rows.ts'
import type { Cover, Merge, ShapedSql, WriteStatement } from './statements.ts'

/** Runs the writes of a transaction, each with its entry for the chain. */
export type RowWriter = {
  /** `room` is the number of the block and the values of the write. Answers whether it had an effect. */
  readonly write: (kind: EntryKind, room: Value[], block: OpenBlock) => boolean
  /** What was written since the transaction began is undone. */
  readonly undone: () => void
}

/**
 * To read a row back for its digest costs more than to write it. Where a row is new, what it is is what was bound. What an open row was is
 * remembered until it is done; its number of the block tells whether somebody else has written it since: then it is read after all.
 */
export function rowWriter(db: Database.Database, statements: readonly WriteStatement[]): RowWriter {
  const opened = openRows()
  const writes = statements.map((statement) => writeOf(db, statement))
  return {
    write(kind, room, block) {
      const { quickly, slowly, id, opens } = writes[kind] as Write
      const about = id === undefined ? undefined : (room[id + 1] as string)
      const before = about === undefined ? undefined : opened.take(about)
      const entry = quickly(room, before) ?? slowly(room)
      if (entry === undefined) return false
      const { seq, row } = entry
      const text = JSON.stringify(row)
      block.add(kind, seq, hash('sha256', text, 'binary'))
      if (opens && about !== undefined) opened.add(about, { seq, row, block: block.n, weight: text.length })
      return true
    },
    undone: opened.clear,
  }
}

/** What a digest is of: the name of the table, then the values of the columns that the chain covers. */
type Row = Value[]
type Entry = { readonly seq: number; readonly row: Row }
/** `before`: the row as it was opened, where that is remembered. */
type Run = (room: Value[], before?: OpenRow) => Entry | undefined
type Write = {
  /** Undefined: it had no effect, or this is not the way. */
  readonly quickly: Run
  readonly slowly: Run
  readonly id: number | undefined
  readonly opens: boolean
}

function writeOf(db: Database.Database, statement: WriteStatement): Write {
  const { table, quick, slow, id, opens = false, width } = statement
  if (width > MAX_WIDTH) throw new RangeError('more values than there are bits in the number of a shape')
  const slowly = slow === undefined ? nothing : reading(db, table, slow)
  return { quickly: 'merges' in quick ? following(db, quick) : inserting(db, table, quick), slowly, id, opens }
}

const nothing = (): undefined => undefined

function reading(db: Database.Database, table: string, sql: string): Run {
  const statement = db.prepare<[Value[]], [number, ...Value[]]>(sql).raw()
  return (room) => {
    const row = statement.get(room)
    if (row === undefined) return undefined
    const [seq, ...values] = row
    return { seq, row: [table, ...values] }
  }
}

function inserting(db: Database.Database, table: string, { sql, covers }: Covering): Run {
  const shapeOf = shapes(db, sql, 0)
  const template: Row = [table, ...covers.map((from) => (typeof from === 'number' ? null : from))]
  return (room) => {
    const { statement, places, bound } = shapeOf(room)
    for (let i = 0; i < places.length; i += 1) bound[i] = room[places[i] as number] as Value
    const { changes, lastInsertRowid } = statement.run(bound)
    if (changes === 0) return undefined
    const row = template.slice()
    for (let i = 0; i < covers.length; i += 1) {
      const from = covers[i] as Cover
      if (typeof from === 'number') row[i + 1] = room[from + 1] as Value
    }
    return { seq: lastInsertRowid as number, row }
  }
}

function following(db: Database.Database, { sql, merges }: Merging): Run {
  const shapeOf = shapes(db, sql, 2)
  return (room, before) => {
    if (before === undefined) return undefined
    const { seq, row } = before
    const { statement, places, bound } = shapeOf(room)
    for (let i = 0; i < places.length; i += 1) bound[i] = room[places[i] as number] as Value
    bound[places.length] = seq
    bound[places.length + 1] = before.block
    if (statement.run(bound).changes === 0) return undefined
    for (let i = 0; i < merges.length; i += 1) merge(row, i + 1, merges[i] as Merge, room)
    return { seq, row }
  }
}

/** `places` in a room of what is bound, in order; behind that is room for what else the statement takes. */
type Shape = { readonly statement: Database.Statement<[Value[]]>; readonly places: number[]; readonly bound: Value[] }

/** A statement for each set of values that are not null: to bind a value costs as much as to write it. Rows have few such sets. */
function shapes(db: Database.Database, sql: ShapedSql, more: number): (room: readonly Value[]) => Shape {
  const known = new Map<number, Shape>()
  return (room) => {
    // A bit for each value.
    let which = 0
    for (let i = 1; i < room.length; i += 1) which = 2 * which + (room[i] === null ? 0 : 1)
    const found = known.get(which)
    if (found !== undefined) return found
    if (known.size >= MAX_SHAPES) known.clear()
    const made = shape(db, sql, room, more)
    known.set(which, made)
    return made
  }
}

function shape(db: Database.Database, sql: ShapedSql, room: readonly Value[], more: number): Shape {
  const places = [...room.keys()].filter((at) => room[at] !== null)
  const texts = sql.map((part) => (typeof part === 'string' ? part : room[part.at + 1] === null ? '' : part.text))
  const bound = Array.from<Value>({ length: places.length + more }).fill(null)
  return { statement: db.prepare<[Value[]]>(texts.join('')), places, bound }
}

function merge(row: Row, column: number, how: Merge, room: Value[]): void {
  if (how === 'kept') return
  const value = room[how.at + 1] as Value
  // Nor is it in the SQL then; and what is `set` was null before.
  if (value === null) return
  if (how.how === 'joined') row[column] = [value, row[column]].filter((text) => text !== null).join('; ') || null
  else row[column] = value
}

type OpenRow = Entry & { readonly block: number; readonly weight: number }

/** As many as fit; the oldest go first. */
function openRows() {
  const rows = new Map<string, OpenRow>()
  let weight = 0
  const take = (id: string): OpenRow | undefined => {
    const row = rows.get(id)
    if (row === undefined) return undefined
    rows.delete(id)
    weight -= row.weight
    return row
  }
  return {
    take,
    add(id: string, row: OpenRow) {
      take(id)
      rows.set(id, row)
      weight += row.weight
      if (weight <= MAX_WEIGHT) return
      for (const oldest of rows.keys()) {
        if (weight <= MAX_WEIGHT) break
        take(oldest)
      }
    },
    clear() {
      rows.clear()
      weight = 0
    },
  }
}

type Covering = Extract<WriteStatement['quick'], { covers: unknown }>
type Merging = Extract<WriteStatement['quick'], { merges: unknown }>

// In characters of JSON, about a third of what it takes in memory.
const MAX_WEIGHT = 3 * 2 ** 20
const MAX_SHAPES = 64
// Of as many bits an integer is exact.
const MAX_WIDTH = 53

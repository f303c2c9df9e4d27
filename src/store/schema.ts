import Database from 'better-sqlite3'
import { migrate } from './migrate.ts'
import { migrations } from './migrations/index.ts'

/**
 * What a database has that the program did not make, or lacks: a view in the place of a table, a trigger, a table with other columns. Who
 * hands a database over could make it show each reader something else, or never end. Undefined: nothing. Reads the schema only.
 */
export function foreignSchema(db: Database.Database): string | undefined {
  const ours = schemaOfVersion(Number(db.pragma('user_version', { simple: true })))
  const there = db.prepare<[], Item>(ITEMS).all()
  for (const item of there) if (!isKnown(item, ours.get(item.name))) return `the ${item.type} ${item.name} is not ours`
  const names = new Set(there.map(({ name }) => name))
  for (const { type, name } of ours.values())
    if (type === 'table' && !names.has(name)) return `the table ${name} is missing`
  return undefined
}

type Item = { readonly type: string; readonly name: string; readonly table: string; readonly sql: string | null }

function isKnown({ type, name, table, sql }: Item, ours: Item | undefined): boolean {
  if (ours !== undefined) return ours.type === type && ours.table === table && ours.sql === sql
  // Those of an operator make queries faster, and nothing else; ANALYZE makes tables of its own.
  return type === 'index' ? sql !== null && /^CREATE (?:UNIQUE )?INDEX /.test(sql) : /^sqlite_stat\d$/.test(name)
}

function schemaOfVersion(version: number): ReadonlyMap<string, Item> {
  const db = new Database(':memory:')
  try {
    migrate(
      db,
      migrations.filter((step) => step.version <= version),
    )
    return new Map(
      db
        .prepare<[], Item>(ITEMS)
        .all()
        .map((item) => [item.name, item]),
    )
  } finally {
    db.close()
  }
}

// Of a text that is too long the beginning is enough: it is none of ours.
const ITEMS = `SELECT substr(type, 1, 20) AS type, substr(name, 1, 100) AS name, substr(tbl_name, 1, 100) AS "table",
  substr(sql, 1, 10000) AS sql FROM sqlite_schema LIMIT 1000`

import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { csvRecord } from '../audit/export/csv.ts'
import type { LedgerFilter, LedgerTable } from '../audit/find/filter.ts'
import { openLedger } from '../audit/find/ledger.ts'
import type { LedgerRow } from '../audit/find/presented.ts'
import { openStoreForReading, type Store } from '../store/open.ts'
import { fillerOf, keysOf, type Place, recordExport } from './audit-export-place.ts'
import { type FilterFlags, oneOf, searchOf } from './audit-flags.ts'
import { jsonLine, write } from './output.ts'

export type RowFlags = FilterFlags & {
  readonly format: string
  readonly text?: string
  readonly bodies?: boolean
  readonly out?: string
}

/** Writes the rows that fit, oldest first, as they are read. */
export async function exportRows(place: Place, flags: RowFlags): Promise<number> {
  const { table, filter } = searchOf(flags)
  const format = formats[oneOf('format', flags.format, ['jsonl', 'csv']) ?? 'jsonl']
  const dir = place.config.data.dir
  // Only who looks into bodies needs their keys.
  const ledger = openLedger(dir, filter.text === undefined ? [] : keysOf(place))
  const db = openStoreForReading({ dir })
  const out = await target(place, flags.out)
  let rows = 0
  try {
    const columns = columnsOf(db, table, flags.bodies === true)
    const fill = flags.bodies === true && table === 'exchanges' ? fillerOf(place, db) : undefined
    await out.write(format.head(columns))
    const found = await ledger.search(table, filter, {})
    if (found.unread > 0) place.io.stderr.write(`note: ${found.unread} bodies could not be read, so not searched\n`)
    if (found.incomplete) place.io.stderr.write('note: not all body files were searched: narrow it with --since, …\n')
    for (const row of found.rows()) {
      if (out.gone()) break
      await out.write(format.line(fill === undefined ? row : await fill(row), columns))
      rows += 1
    }
    await out.end()
  } catch (thrown) {
    await out.drop()
    if (!(thrown instanceof NotWritten)) throw thrown
    place.io.stderr.write(`error: ${thrown.message}\nhint: choose another file with --out\n`)
    return 1
  } finally {
    recordExport(place, flags.format, { table, filter: shown(filter), bodies: flags.bodies === true, rows })
    db.close()
    ledger.close()
  }
  if (flags.out !== undefined) place.io.stderr.write(`${rows} rows\n`)
  return 0
}

type Format = {
  readonly head: (columns: readonly string[]) => string
  readonly line: (row: LedgerRow, columns: readonly string[]) => string
}

const formats: Readonly<Record<'jsonl' | 'csv', Format>> = {
  jsonl: {
    head: () => '',
    line: (row, columns) => `${jsonLine(Object.fromEntries(columns.map((name) => [name, row[name] ?? null])))}\n`,
  },
  csv: {
    head: (columns) => csvRecord(columns),
    line: (row, columns) => csvRecord(columns.map((name) => row[name])),
  },
}

type Target = {
  readonly write: (text: string) => Promise<void>
  /** Nobody reads any more. */
  readonly gone: () => boolean
  readonly end: () => Promise<void>
  readonly drop: () => Promise<void>
}

async function target({ io }: Place, out: string | undefined): Promise<Target> {
  if (out !== undefined) return fileTarget(resolve(io.cwd, out))
  let gone = false
  for (const event of ['close', 'error']) io.stdout.once(event, () => (gone = true))
  return {
    write: (text) => write(io.stdout, text),
    gone: () => gone,
    end: async () => undefined,
    drop: async () => undefined,
  }
}

class NotWritten extends Error {}

/** The file appears under its name once it is whole. */
async function fileTarget(path: string): Promise<Target> {
  const part = `${path}.part`
  await rm(part, { force: true })
  const stream = createWriteStream(part, { mode: 0o600, flags: 'wx' })
  let failed: unknown
  stream.on('error', (cause) => (failed = cause))
  const check = (): void => {
    if (failed === undefined) return
    const reason = failed instanceof Error ? failed.message : 'unknown'
    throw new NotWritten(`cannot write ${path}: ${reason}`)
  }
  return {
    async write(text) {
      check()
      await write(stream, text)
    },
    gone: () => false,
    async end() {
      check()
      stream.end()
      await once(stream, 'close').catch(() => undefined)
      check()
      await rename(part, path)
    },
    async drop() {
      stream.destroy()
      await rm(part, { force: true })
    },
  }
}

function columnsOf(db: Store, table: LedgerTable, bodies: boolean): string[] {
  const all = db.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck().all(table)
  const names = all.filter((name) => !internal.has(name) && !bodyColumns.includes(name))
  return bodies && table === 'exchanges' ? [...names, ...bodyColumns, ...oddBodyColumns] : names
}

/** What was looked for in bodies may be the very thing that should be nowhere. */
function shown({ text, ...filter }: LedgerFilter): Readonly<Record<string, unknown>> {
  return { ...filter, ...(text !== undefined && { text: true }) }
}

const internal = new Set(['seq', 'owner', 'block'])
const bodyColumns = ['request_body', 'response_body']
const oddBodyColumns = ['request_body_base64', 'response_body_base64', 'request_body_missing', 'response_body_missing']

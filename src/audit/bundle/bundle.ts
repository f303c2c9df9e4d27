import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { SallyportError } from '../../core/errors.ts'
import { chainColumns, entriesOf, tableOfKind } from '../../store/chain.ts'
import { bundleContent } from './content.ts'
import { type LineFile, lineFile } from './lines.ts'
import { bundleReadme } from './readme.ts'
import { verifierText } from './verifier.ts'
import { checkpointText } from '../checkpoints/checkpoints.ts'
import { PUBLIC_FILE } from '../checkpoints/ledger-key.ts'
import type { SealKey } from '../bodies/seal.ts'
import { openSnapshot } from '../snapshot.ts'
import type { BundleContent, BundleHead, BundleRow } from '../verify/bundle.ts'
import { blocksOf, checkpointsOf } from '../verify/ledger.ts'
import { tables } from '../verify/rows.ts'
import type { Block, CheckpointLine, Side, Table } from '../verify/source.ts'

export type BundleOptions = {
  readonly database: string
  /** The data folder, for files and the public key. */
  readonly dir: string
  /** An empty folder, or one that is not there yet. */
  readonly to: string
  /** ISO 8601: rows from, and before; the others are there as digests only. */
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly bodies: boolean
  readonly keys: readonly SealKey[]
  readonly now: number
}

export type Bundled = {
  readonly blocks: number
  readonly rows: number
  /** That are in the bundle, in lines or in files. */
  readonly bodies: number
  readonly checkpoints: number
}

/**
 * Writes what is needed to verify a ledger, or a time of it, without Sallyport: chain, rows, checkpoints, content as it was before
 * compression and encryption, the public key, and a verifier. Beside running writers too. Files are 0600.
 */
export async function writeBundle(options: BundleOptions): Promise<Bundled> {
  const { db, close } = openSnapshot(options.database)
  try {
    makeFolder(options.to)
    return await written(db, options)
  } finally {
    close()
  }
}

async function written(db: Database.Database, options: BundleOptions): Promise<Bundled> {
  const { to, since = null, until = null, now } = options
  const part = partOf(db, options)
  const text = (name: string, content: string): void => writeFileSync(join(to, name), content, { mode: 0o600 })
  const counts = { blocks: 0, rows: 0, bodies: 0, checkpoints: 0 }
  using opened = new DisposableStack()
  const lines = (name: string): LineFile => opened.use(lineFile(join(to, `${name}.jsonl`)))
  const blocks = lines('blocks')
  const files = { exchanges: lines('exchanges'), connections: lines('connections'), events: lines('events') }
  const add = rowsOf(db, options, files)
  for (const block of blocksOf(db, part.from - 1)) {
    if (block.n > part.to) break
    blocks.add({ n: block.n, at: block.at, entries: base64(block.entries), link: hex(block.link) })
    counts.blocks += 1
    const added = await add(block)
    counts.rows += added.rows
    counts.bodies += added.bodies
  }
  const checkpoints = lines('checkpoints')
  for (const line of part.checkpoints()) {
    checkpoints.text(checkpointText(line))
    counts.checkpoints += 1
  }
  const excerpt = since !== null || until !== null
  const made = new Date(now).toISOString()
  const head: BundleHead = { sallyport: 'bundle', version: 1, ledger: part.ledger, made, excerpt, since, until }
  text('bundle.json', `${JSON.stringify(head, null, 2)}\n`)
  text('verify.mjs', verifierText())
  text('README.txt', bundleReadme(head, counts))
  if (existsSync(join(options.dir, PUBLIC_FILE))) copyFileSync(join(options.dir, PUBLIC_FILE), join(to, 'ledger.pub'))
  return counts
}

type Part = {
  readonly from: number
  readonly to: number
  readonly ledger: string
  readonly checkpoints: () => Iterable<CheckpointLine>
}

/** Which blocks, so that a checkpoint stands before the first and at or after the last, where there is one. */
function partOf(db: Database.Database, { since, until }: BundleOptions): Part {
  const whole = db
    .prepare<[], { from: number; to: number }>('SELECT min(n) AS "from", max(n) AS "to" FROM chain')
    .get()!
  const named = db.prepare<[], string>(`SELECT statement FROM checkpoints ORDER BY number DESC LIMIT 1`).pluck().get()
  const first = db.prepare<[], Buffer>('SELECT link FROM chain WHERE n = 0').pluck().get()
  const ledger =
    named === undefined ? hex(first ?? Buffer.alloc(0)) : String((JSON.parse(named) as { ledger: string }).ledger)
  if (since === undefined && until === undefined) return { ...whole, ledger, checkpoints: () => checkpointsOf(db) }
  const wanted = rangeOf(db, since ?? '', until ?? '~') ?? { from: whole.to, to: whole.to }
  const before = db
    .prepare<[number, number], CheckpointLine>(
      'SELECT * FROM checkpoints WHERE block < ? AND block >= ? ORDER BY number DESC LIMIT 1',
    )
    .get(wanted.from, whole.from)
  const after = db
    .prepare<[number], CheckpointLine>('SELECT * FROM checkpoints WHERE block >= ? ORDER BY number LIMIT 1')
    .get(wanted.to)
  function* checkpoints(): Iterable<CheckpointLine> {
    for (const line of checkpointsOf(db, (before?.number ?? 0) - 1)) {
      if (after !== undefined && line.number > after.number) return
      yield line
    }
  }
  return {
    from: before === undefined ? whole.from : before.block + 1,
    to: after?.block ?? whole.to,
    ledger,
    checkpoints,
  }
}

function rangeOf(db: Database.Database, since: string, until: string): { from: number; to: number } | undefined {
  const ranges = tables.map((table) => {
    const sql = `SELECT min(block) AS "from", max(block) AS "to" FROM ${table} WHERE at >= ? AND at < ?`
    return db.prepare<[string, string], { from: number | null; to: number | null }>(sql).get(since, until)
  })
  const found = ranges.flatMap((range) =>
    range?.from === null || range?.to === null || range === undefined ? [] : [{ from: range.from, to: range.to }],
  )
  if (found.length === 0) return undefined
  return { from: Math.min(...found.map(({ from }) => from)), to: Math.max(...found.map(({ to }) => to)) }
}

/** Adds the rows whose last entry a block has. */
function rowsOf(db: Database.Database, options: BundleOptions, files: Record<Table, LineFile>) {
  const { since = '', until = '~' } = options
  const select = Object.fromEntries(
    tables.map((table) => [
      table,
      db.prepare<[number, number], Row>(`SELECT * FROM ${table} WHERE seq = ? AND block = ?`),
    ]),
  )
  const contentOf = bundleContent(options)

  return async function add(block: Block): Promise<{ rows: number; bodies: number }> {
    const counts = { rows: 0, bodies: 0 }
    const done = new Set<string>()
    for (const { kind, seq } of entriesOf(block.entries)) {
      const table = tableOfKind[kind]!
      const row = done.has(`${table} ${seq}`) ? undefined : select[table]!.get(seq, block.n)
      done.add(`${table} ${seq}`)
      if (row === undefined || String(row['at']) < since || String(row['at']) >= until) continue
      const values = Object.fromEntries(chainColumns[table].map((name) => [name, row[name] ?? null]))
      const content: Partial<Record<Side, BundleContent>> = table === 'exchanges' ? await contentOf(row) : {}
      files[table].add({ seq, block: block.n, row: values, ...content } satisfies BundleRow)
      counts.rows += 1
      counts.bodies += Object.values(content).filter((body) => !('not' in body)).length
    }
    return counts
  }
}

type Row = Readonly<Record<string, string | number | null>>

function makeFolder(to: string): void {
  if (existsSync(to) && readdirSync(to).length > 0)
    throw new SallyportError('config_invalid', `${to} is not empty`, { hint: 'Name a folder that is not there yet.' })
  mkdirSync(join(to, 'bodies'), { recursive: true, mode: 0o700 })
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

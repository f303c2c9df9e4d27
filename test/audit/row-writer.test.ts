import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { rowWriter } from '../../src/audit/row-writer.ts'
import type { ExchangeDone, ExchangeOpen, Value } from '../../src/audit/rows.ts'
import {
  kinds,
  pushDone,
  pushOnce,
  pushOpen,
  type WriteKind,
  type WriteStatement,
  writeStatements,
} from '../../src/audit/statements.ts'
import {
  chainColumnsSql,
  chainOf,
  type ChainValue,
  digestOf,
  entryKinds,
  type OpenBlock,
} from '../../src/store/chain.ts'
import { openStore, type Store } from '../../src/store/open.ts'
import { assertCovered } from '../support/chained.ts'
import { doneRow, openRow } from '../support/ledger-rows.ts'
import { tempFolder } from '../support/temp.ts'

type Act =
  | { readonly act: 'open' | 'done' | 'once'; readonly id: string; readonly open: object; readonly done: object }
  /** Somebody else writes the row. */
  | { readonly act: 'erase'; readonly id: string }
  | { readonly act: 'commit' | 'rollback' | 'restart' }

const text = fc.oneof(fc.constant(null), fc.string({ unit: 'grapheme' }), fc.constant('\0 "quoted" \\ \u2028'))
const count = fc.oneof(fc.constant(null), fc.nat(), fc.constant(2 ** 52))
const open = fc.record({
  model: text,
  principal: text,
  stream: fc.boolean(),
  requestBytes: count,
  requestBody: text,
  requestSha256: text,
})
const done = fc.record({
  model: text,
  error: text,
  durationMs: fc.oneof(fc.constant(null), fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }), fc.nat()),
  requestBytes: count,
  responseSha256: text,
  rule: text,
  costUsd: fc.constantFrom(null, 0, -0, 1e-7, 1e21),
  state: fc.constantFrom('done', 'aborted'),
})
const id = fc.constantFrom('a', 'b', 'c')
const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ act: fc.constantFrom('open', 'done', 'done', 'once'), id, open, done }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constantFrom('commit', 'rollback', 'restart') }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('erase'), id }) },
  ),
  { maxLength: 30 },
) as fc.Arbitrary<Act[]>

test('whatever is written, in whatever order, by whomever: each row fits its last entry', () => {
  const dir = tempFolder()
  const db = openStore({ dir, durability: 'relaxed' })
  fc.assert(
    fc.property(acts, (some) => {
      db.exec('DELETE FROM exchanges; DELETE FROM chain WHERE n > 0')
      const chain = chainOf(db)
      let rows = rowWriter(db, writeStatements(1))
      for (const transaction of transactionsOf(some)) {
        try {
          db.transaction(() => {
            chain.write('now', (block) => transaction.forEach((act) => perform(act, { db, block, rows })))
            if (transaction.at(-1)?.act === 'rollback') throw new Error('rolled back')
          }).immediate()
        } catch {
          rows.undone()
        }
        if (transaction.at(-1)?.act === 'restart') rows = rowWriter(db, writeStatements(1))
        assertCovered(db)
      }
    }),
    { numRuns: 150 },
  )
  db.close()
})

test('a row is finished without being read, unless somebody else wrote it or it is not remembered', () => {
  const db = openStore({ dir: tempFolder(), durability: 'relaxed' })
  const [quick] = [
    writeStatements(1).map((one) =>
      one.slow === undefined ? one : { ...one, slow: one.slow.replace('WHERE id = ?', 'WHERE id = ? AND 0') },
    ),
  ]
  const rows = rowWriter(db, quick)
  const [mine, touched] = [openRow(), openRow()]
  const outcomes: boolean[] = []
  db.transaction(() =>
    chainOf(db).write('now', (block) => {
      for (const row of [mine, touched]) run(rows, kinds.open, block, (to) => pushOpen(to, row))
      db.prepare('UPDATE exchanges SET block = 77 WHERE id = ?').run(touched.id)
      for (const row of [mine, touched, mine])
        outcomes.push(run(rows, kinds.done, block, (to) => pushDone(to, doneRow(row.id))))
    }),
  ).immediate()
  // What is to be read finds nothing here.
  assert.deepEqual(outcomes, [true, false, false])
  db.close()
})

test('the ways that read nothing leave what those that read leave, whatever values are null', () => {
  const db = openStore({ dir: tempFolder(), durability: 'relaxed' })
  const statements = writeStatements(1)
  const ways = [statements, statements.map(slowly)]
  fc.assert(
    fc.property(
      someOf(pushOpen, whole),
      someOf(pushDone, outcome),
      someOf(pushOnce, { ...whole, id: 'other' }, outcome),
      (...writes) => {
        const left = ways.map((way) => {
          db.exec('DELETE FROM exchanges; DELETE FROM chain WHERE n > 0')
          const rows = rowWriter(db, way)
          db.transaction(() =>
            chainOf(db).write('now', (block) => {
              for (const [i, kind] of [kinds.open, kinds.done, kinds.once].entries())
                assert.ok(rows.write(kind, [block.n, ...writes[i]!], block))
            }),
          ).immediate()
          return db.prepare<[], Record<string, Value>>('SELECT * FROM exchanges ORDER BY id').all()
        })
        const [quick, slow] = left.map((rows) => rows.map((row) => ({ ...row, seq: 0 })))
        assert.deepEqual(quick, slow)
        assertCovered(db)
      },
    ),
    { numRuns: 100 },
  )
  db.close()
})

test('a write has no more values than the number of its shape has bits', () => {
  const db = openStore({ dir: tempFolder(), durability: 'relaxed' })
  const wide = (width: number): WriteStatement => ({ table: 'events', width, quick: { sql: [], covers: [] } })
  rowWriter(db, [wide(53)])
  assert.throws(() => rowWriter(db, [wide(54)]), RangeError)
  db.close()
})

/** The values of a write, of which those that need not be there are null now and then. */
function someOf<T extends object[]>(push: (to: Value[], ...rows: T) => void, ...rows: T): fc.Arbitrary<Value[]> {
  const all: Value[] = []
  push(all, ...rows)
  const [first] = rows
  const needed = new Set(
    ['id', 'at', 'door', 'host', 'port', 'method', 'path', 'state'].map((name) =>
      Reflect.get({ ...outcome, ...first }, name),
    ),
  )
  return fc.tuple(...all.map((value) => (needed.has(value) ? fc.constant(value) : fc.constantFrom(null, value))))
}

const whole = openRow({
  clientIp: 'client',
  principal: 'ada',
  process: 'p',
  operation: 'o',
  connectionId: 'c',
  traceId: 't',
  stream: false,
  requestBytes: 7,
  requestBody: 'body',
  requestSha256: 'sum',
  requestSpill: 'spill',
  requestTruncated: true,
})
const outcome = doneRow(whole.id, {
  rule: 'rule',
  findings: 'f',
  hooks: 'h',
  responseBytes: 8,
  cachedTokens: 2,
  cacheWriteTokens: 3,
  reasoningTokens: 6,
  cache: 'hit',
  tools: 'tools',
  responseBody: 'answer',
  responseSpill: 'file',
  responseSha256: 'sum2',
  responseTruncated: true,
  state: 'aborted',
  error: 'error',
  attestation: 'a',
  model: 'another',
  requestBytes: 9,
  requestBody: 'changed',
  requestSha256: 'sum3',
  requestSpill: 'spill2',
  requestTruncated: false,
  stream: true,
})

function slowly(one: WriteStatement): WriteStatement {
  if (one.slow === undefined) return one
  const { quick } = one
  return { ...one, quick: 'merges' in quick ? { ...quick, sql: [...quick.sql, ' AND 0'] } : { sql: [], merges: [] } }
}

function transactionsOf(some: readonly Act[]): Act[][] {
  const all: Act[][] = [[]]
  for (const act of some) {
    // Others have transactions of their own.
    if (act.act === 'erase') all.push([])
    all.at(-1)?.push(act)
    if (act.act === 'erase' || act.act === 'commit' || act.act === 'rollback' || act.act === 'restart') all.push([])
  }
  return all
}

function perform(
  act: Act,
  { db, block, rows }: { db: Store; block: OpenBlock; rows: ReturnType<typeof rowWriter> },
): void {
  if (act.act === 'erase') return erase(db, block, act.id)
  if (!('open' in act)) return
  const first: ExchangeOpen = { ...openRow({ at: '2026-01-02T03:04:05.678Z' }), ...act.open, id: act.id }
  const last: ExchangeDone = { ...doneRow(act.id), ...act.done }
  run(rows, kinds[act.act], block, (to) => {
    if (act.act === 'open') pushOpen(to, first)
    else if (act.act === 'done') pushDone(to, last)
    else pushOnce(to, first, last)
  })
}

function run(
  rows: ReturnType<typeof rowWriter>,
  kind: WriteKind,
  block: OpenBlock,
  push: (to: Value[]) => void,
): boolean {
  const room: Value[] = [block.n]
  push(room)
  return rows.write(kind, room, block)
}

function erase(db: Store, block: OpenBlock, id: string): void {
  const sql = `UPDATE exchanges SET erased = 'now', rule = 'gone', block = ? WHERE id = ? RETURNING seq, ${chainColumnsSql('exchanges')}`
  const row = db.prepare<[number, string], [number, ...ChainValue[]]>(sql).raw().get(block.n, id)
  if (row === undefined) return
  const [seq, ...values] = row
  block.add(entryKinds.erased, seq, digestOf('exchanges', values))
}

import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { formats, formatNamed, type FormatName } from '../../src/audit/formats/index.ts'
import type { ExportRow, ExportTable } from '../../src/audit/sinks/sink.ts'
import { chainReader } from '../../src/audit/export/reader.ts'
import { startRecorder } from '../../src/audit/recorder.ts'
import { openStore } from '../../src/store/open.ts'
import { ecsProblems } from '../support/ecs-schema.ts'
import { connectionRow, doneRow, openRow } from '../support/ledger-rows.ts'
import { ocsfProblems } from '../support/ocsf-schema.ts'
import { tempFolder } from '../support/temp.ts'
import { context, exportedColumns, exportTables, fullRow, hostileRow } from '../support/full-rows.ts'
import { readCef, refuseUnsafe } from '../support/read-cef.ts'
import { readLeef } from '../support/read-leef.ts'

const columns = exportedColumns()

test('docs/export.md has every column of every table, and none besides: a new column needs a decision for every format', () => {
  for (const table of exportTables)
    assert.deepEqual([...documented(table).keys()].toSorted(), columns[table].toSorted(), table)
})

test('the rows that the tests use have every column', () => {
  for (const table of exportTables) {
    const { row } = fullRow(table)
    assert.deepEqual(Object.keys(row).toSorted(), columns[table].toSorted(), table)
  }
})

test('JSON has every column by its name, with table and block', () => {
  for (const table of exportTables) {
    const out = fullRow(table)
    assert.deepEqual(JSON.parse(only(formatNamed('json').lines(out, context))), { table, ...out.row, block: out.block })
  }
})

for (const name of ['cef', 'leef', 'ocsf', 'ecs'] as const) {
  test(`${name} has each column where docs/export.md says, and no other column`, () => {
    for (const table of exportTables) {
      const whole = fieldsOf(name, fullRow(table))
      for (const [column, places] of documented(table)) {
        const without = fieldsOf(name, withOther(fullRow(table), column))
        for (const place of places[name]) {
          assert.ok(whole.has(place), `${table}.${column}: no ${place}`)
          assert.notDeepEqual(without.get(place), whole.get(place), `${table}.${column}: ${place} is not from it`)
        }
        if (places[name].length === 0) assert.deepEqual(without, whole, `${table}.${column} is in ${name}`)
      }
    }
  })
}

test('bodies are never in CEF and LEEF, and only in the others when the row has them', () => {
  const full = fullRow('exchanges')
  const { request_body: _, response_body: __, ...row } = full.row
  for (const { name, lines } of formats) {
    const text = lines(full, context).join('\n')
    const bare = lines({ ...full, row }, context).join('\n')
    const carries = name !== 'cef' && name !== 'leef'
    for (const body of ['x-request_body', 'x-response_body']) {
      assert.equal(text.includes(body), carries, `${name} ${body}`)
      assert.equal(bare.includes(body), false, `${name} ${body}`)
    }
  }
})

test('whatever a row holds, each line is one line that a strict reader reads', () => {
  for (const table of exportTables) {
    fc.assert(
      fc.property(hostileRow(table), (out) => {
        for (const { name, json, lines } of formats) {
          const made = lines(out, context)
          assert.deepEqual(lines(out, context), made)
          for (const line of made) {
            refuseUnsafe(line)
            assert.ok(!line.includes('\n'))
            if (json) assert.equal(typeof JSON.parse(line), 'object')
            else if (name === 'cef') readCef(line)
            else readLeef(line)
          }
        }
      }),
      { numRuns: 150 },
    )
  }
})

test('what is of the host and of the program is in one line too', () => {
  const hostile = { hostname: 'a\nCEF:0|x', version: '1|2\n\ud800', now: () => 0 }
  for (const { name, lines } of formats)
    for (const line of lines(fullRow('events'), hostile)) {
      refuseUnsafe(line)
      assert.ok(!line.includes('\n'), name)
    }
  assert.equal(readCef(only(formatNamed('cef').lines(fullRow('events'), hostile))).header.version, '1|2␊\uFFFD')
})

test('an exchange with very many findings makes events of a size that receivers take, and says how many they were', () => {
  const out = fullRow('exchanges')
  const [finding] = out.row.findings as readonly unknown[]
  const row = { ...out.row, findings: Array.from({ length: 100_000 }, () => finding) }
  for (const { name, lines } of formats.filter(({ name }) => name !== 'json')) {
    const made = lines({ ...out, row }, context)
    for (const line of made) assert.ok(line.length < 500_000, `${name}: ${line.length}`)
    assert.ok(made[0].includes('100000'), name)
  }
})

test('rows as a ledger has them are read by every strict reader', async () => {
  const dir = tempFolder('formats')
  const recorder = startRecorder({ dir, durability: 'relaxed', inlineBytes: 1_000 })
  const [first, lost] = [openRow(), openRow({ host: '2001:db8::1', clientIp: '::1' })]
  const found = { type: 'EMAIL', rule: 'email', policyRule: 'r', action: 'redact', stage: 'request', place: 'a' }
  const findings = JSON.stringify([{ ...found, start: 0, end: 3, confidence: 0.9, severity: 'medium' }])
  const hooks = '[{"hook":"pii","rule":"r","stage":"request","verdict":"redact","microseconds":120}]'
  recorder.once(
    first,
    doneRow(first.id, { decision: 'redact', findings, hooks, tools: '{"offered":["a"],"called":[]}' }),
  )
  await recorder.open(lost)
  recorder.connection(connectionRow({ attestation: '{"outcome":"valid","device":"d","jti":"j","policy":"p"}' }))
  recorder.event({
    id: 'e',
    at: new Date().toISOString(),
    who: 'ada',
    what: 'key.create',
    before: null,
    after: '{"a":1}',
  })
  await recorder.close()
  const db = openStore({ dir, durability: 'relaxed' })
  const start = { block: 0, position: 0, checkpoint: 0 }
  const { rows } = chainReader(db, { include: exportTables, bodies: false }).read(start, { rows: 100, bytes: 2 ** 24 })
  db.close()
  assert.equal(rows.length, 4)
  for (const { out } of rows) {
    for (const line of formatNamed('ocsf').lines(out, context)) assert.deepEqual(ocsfProblems(JSON.parse(line)), [])
    assert.deepEqual(ecsProblems(JSON.parse(only(formatNamed('ecs').lines(out, context)))), [])
    assert.equal(readCef(only(formatNamed('cef').lines(out, context))).extension.get('externalId'), out.row.id)
    assert.equal(readLeef(only(formatNamed('leef').lines(out, context))).attributes.get('id'), out.row.id)
  }
})

test('a checkpoint that left in any format verifies', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const hash = 'b'.repeat(64)
  const removed = { toBlock: 7, link: hash, entries: 9, exchanges: 5, connections: 3, events: 1, from: 'x', to: 'y' }
  const head = { sallyport: 'checkpoint', version: 1, ledger: hash, number: 12, at: '2026-11-20T19:41:55.727Z' }
  const about = { reason: 'retention', block: 90_007, link: hash, entries: 1_234_567, previous: hash, removed }
  const statement = JSON.stringify({ ...head, ...about, key: 'k=\\'.repeat(11) })
  const signature = sign(null, Buffer.from(statement), privateKey).toString('base64url')
  const out = {
    table: 'checkpoints',
    block: 90_007,
    row: { ...fullRow('checkpoints').row, statement, signature },
  } as const
  const places = {
    json: ['statement', 'signature'],
    cef: ['cs1', 'cs2'],
    leef: ['statement', 'signature'],
    ocsf: ['unmapped.statement', 'unmapped.signature'],
    ecs: ['sallyport.checkpoint.statement', 'sallyport.checkpoint.signature'],
  } as const
  for (const { name } of formats) {
    const fields = fieldsOf(name, out)
    const [text, signed] = places[name].map((place) => String(fields.get(place)))
    assert.ok(verify(null, Buffer.from(text ?? ''), publicKey, Buffer.from(signed ?? '', 'base64url')), name)
  }
})

test('a row with nothing in it is a row still', () => {
  for (const table of exportTables)
    for (const { name, lines } of formats) {
      const [line] = lines({ table, row: {}, block: 0 }, context)
      if (name === 'cef') assert.equal(readCef(line).header.vendor, 'Sallyport')
      else if (name === 'leef') assert.equal(readLeef(line).vendor, 'Sallyport')
      else assert.equal(typeof JSON.parse(line), 'object')
    }
})

type Places = Readonly<Record<Exclude<FormatName, 'json'>, readonly string[]>>

/** The table of a section of docs/export.md: column → fields in each format. */
function documented(table: ExportTable): Map<string, Places> {
  const heading = `### ${table[0]?.toUpperCase()}${table.slice(1)}\n`
  const section = docs.slice(docs.indexOf(heading) + heading.length).split('\n### ')[0] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('| `'))
  return new Map(
    rows.map((line) => {
      const [column, cef, leef, ocsf, ecs] = line
        .split('|')
        .slice(1, -1)
        .map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code as string))
      return [column?.[0] ?? '', { cef: cef ?? [], leef: leef ?? [], ocsf: ocsf ?? [], ecs: ecs ?? [] }]
    }),
  )
}

/** All fields of all lines of a row; of nested objects and arrays also what they are inside of. */
function fieldsOf(name: FormatName, out: ExportRow): Map<string, unknown> {
  const lines = formatNamed(name).lines(out, context)
  if (name === 'cef') return new Map(readCef(only(lines)).extension)
  if (name === 'leef') return new Map(readLeef(only(lines)).attributes)
  const fields = new Map<string, unknown>()
  for (const line of lines.toReversed()) flatten(JSON.parse(line), '', fields)
  return fields
}

function flatten(value: unknown, at: string, to: Map<string, unknown>): void {
  if (at !== '') to.set(at, value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  for (const [key, inner] of Object.entries(value)) flatten(inner, at === '' ? key : `${at}.${key}`, to)
}

/** The same row with something else in one column. */
function withOther(out: ExportRow, column: string): ExportRow {
  if (column === 'block') return { ...out, block: out.block + 1, row: { ...out.row, block: out.block + 1 } }
  const value = others[column] ?? other(out.row[column])
  return { ...out, row: { ...out.row, [column]: value } }
}

function other(value: unknown): unknown {
  if (typeof value === 'number') return value === 1 ? 0 : value + 5
  if (typeof value === 'string') return `y${value.slice(1)}`
  return null
}

// Of these not every other value is one.
const others: Readonly<Record<string, unknown>> = {
  at: '2026-11-20T20:00:00.001Z',
  client_ip: '192.0.2.78',
  method: 'PUT',
  path: '/y-path?y-query=***',
  decision: 'block',
  handling: 'deny',
  state: 'lost',
  what: 'key.create',
  cost_usd: 3.5,
}

function only(lines: readonly string[]): string {
  assert.equal(lines.length, 1)
  return lines[0] as string
}

const docs = readFileSync(new URL('../../docs/export.md', import.meta.url), 'utf8')

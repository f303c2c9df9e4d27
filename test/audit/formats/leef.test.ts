import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { leef } from '../../../src/audit/formats/leef.ts'
import type { LedgerRow } from '../../../src/audit/find/presented.ts'
import type { ExportTable } from '../../../src/audit/sinks/sink.ts'
import { context, fullRow, hostileRow } from '../../support/full-rows.ts'
import { readLeef } from '../../support/read-leef.ts'

const read = (table: ExportTable, row: LedgerRow) => readLeef(leef.lines({ table, row, block: 7 }, context)[0])

test('an exchange is one event with the attributes that QRadar knows', () => {
  const { attributes, ...header } = readLeef(leef.lines(fullRow('exchanges'), context)[0])
  assert.deepEqual(header, {
    vendor: 'Sallyport',
    product: 'Sallyport',
    version: '1.2.3',
    eventId: 'exchange:tokenize',
  })
  const expected = {
    cat: 'exchange',
    devTime: '2026-11-20T19:41:55.727Z',
    devTimeFormat: "yyyy-MM-dd'T'HH:mm:ss.SSSX",
    sev: '7',
    src: '192.0.2.77',
    dstHost: 'x-host.example',
    dstPort: '44301',
    usrName: 'x-principal',
    srcBytes: '91001',
    dstBytes: '91002',
    url: '/x-path?x-query=***',
    policy: 'x-policy',
    findings: 'x-findings',
    toolsCalled: 'x-tools',
    outcome: 'success',
  }
  for (const [key, value] of Object.entries(expected)) assert.equal(attributes.get(key), value, key)
  assert.equal(attributes.has('dst'), false)
})

test('what would end a field has a stand-in: the format has no escapes', () => {
  const [line] = leef.lines({ table: 'events', row: { what: 'a|b\tc', who: 'x\ty=1\nLEEF:2.0|' }, block: 1 }, context)
  assert.ok(line.startsWith('LEEF:2.0|Sallyport|Sallyport|1.2.3|event:a/b␉c|x09|'), line)
  assert.equal(readLeef(line).attributes.get('usrName'), 'x␉y=1␊LEEF:2.0|')
})

test('a host that is an address is the destination too, of both kinds', () => {
  for (const host of ['192.0.2.9', '2001:db8::1'])
    assert.equal(read('connections', { host }).attributes.get('dst'), host)
})

test('the severity is at least 1', () => {
  assert.equal(read('checkpoints', {}).attributes.get('sev'), '1')
})

test('a statement of a checkpoint is whole up to 3,072 characters', () => {
  const statement = JSON.stringify({ sallyport: 'checkpoint', filler: 'x'.repeat(2_500) })
  assert.equal(read('checkpoints', { statement }).attributes.get('statement'), statement)
})

test('a strict reader reads back exactly what was written, whatever it was', () => {
  const places: readonly (readonly [ExportTable, string, string, number])[] = [
    ['exchanges', 'principal', 'usrName', 255],
    ['exchanges', 'path', 'url', 1024],
    ['exchanges', 'upstream_id', 'upstreamId', 1024],
    ['connections', 'error', 'error', 1024],
    ['events', 'subject', 'subject', 1024],
    ['checkpoints', 'statement', 'statement', 3072],
  ]
  for (const table of new Set(places.map(([of]) => of)))
    fc.assert(
      fc.property(hostileRow(table), ({ row }) => {
        const { attributes } = read(table, row)
        for (const [of, column, key, max] of places)
          if (of === table) assert.equal(attributes.get(key), expected(row[column], max), `${table}.${column}`)
      }),
      { numRuns: 150 },
    )
})

/** What a value is to become, written a second time: character by character. */
function expected(value: unknown, max: number): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  const cut = value.length > max
  let text = ''
  for (let i = 0; i < (cut ? max - 1 : value.length); i++) {
    const point = value.codePointAt(i) as number
    if (point > 0xffff && cut && i === max - 2) break
    if (point > 0xffff) i += 1
    const gone =
      (point >= 0x7f && point < 0xa0) ||
      (point >= 0xd800 && point < 0xe000) ||
      [0x200e, 0x200f, 0x2028, 0x2029, 0xfeff].includes(point) ||
      (point >= 0x202a && point <= 0x202e) ||
      (point >= 0x2066 && point <= 0x2069)
    if (point === 0x7f) text += '␡'
    else if (gone) text += '\uFFFD'
    else text += String.fromCodePoint(point < 0x20 ? 0x2400 + point : point)
  }
  return cut ? `${text}…` : text
}

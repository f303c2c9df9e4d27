import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cef } from '../../../src/audit/formats/cef.ts'
import type { LedgerRow } from '../../../src/audit/find/presented.ts'
import type { ExportTable } from '../../../src/audit/sinks/sink.ts'
import { context, fullRow, hostileRow } from '../../support/full-rows.ts'
import { readCef } from '../../support/read-cef.ts'

const read = (table: ExportTable, row: LedgerRow) => readCef(cef.lines({ table, row, block: 7 }, context)[0])

test('an exchange is one event with the fields of the dictionary', () => {
  const { header, extension } = readCef(cef.lines(fullRow('exchanges'), context)[0])
  assert.deepEqual(header, {
    vendor: 'Sallyport',
    product: 'Sallyport',
    version: '1.2.3',
    signature: 'exchange:tokenize',
    name: 'LLM exchange tokenized',
    severity: 7,
  })
  const expected = {
    rt: '1795203715727',
    externalId: 'x-id',
    cat: 'exchange',
    dvchost: 'gw1',
    outcome: 'success',
    src: '192.0.2.77',
    dhost: 'x-host.example',
    dpt: '44301',
    suser: 'x-principal',
    requestMethod: 'POST',
    request: '/x-path?x-query=***',
    act: 'tokenize',
    reason: 'x-error',
    in: '91001',
    out: '91002',
    cs1: 'x-rule',
    cs1Label: 'rule',
    cs4: 'x-findings',
    cs4Label: 'findings',
    cn1: '297',
    cn1Label: 'status',
    cfp4: '91.25',
    cfp4Label: 'cost_usd',
    SallyportHooks: 'x-hooks:tokenize',
    SallyportBlock: '90007',
  }
  for (const [key, value] of Object.entries(expected)) assert.equal(extension.get(key), value, key)
})

test('the header escapes backslash and pipe, the extension backslash, equals and line breaks', () => {
  const [line] = cef.lines(
    { table: 'events', row: { what: String.raw`a|b\c=d`, who: 'x|y\\z=1\r\nact=block' }, block: 1 },
    context,
  )
  assert.ok(line.startsWith(String.raw`CEF:0|Sallyport|Sallyport|1.2.3|event:a\|b\\c=d|a\|b\\c=d|`), line)
  assert.ok(line.includes(String.raw` suser=x|y\\z\=1\nact\=block act=a|b\\c\=d`), line)
})

test('control characters of a value are seen and do nothing', () => {
  const { extension } = read('events', { who: 'a\0b\tc\u001b[31m\u0085\u2028\ud800', what: 'x' })
  assert.equal(extension.get('suser'), 'a␀b␉c␛[31m\uFFFD\uFFFD\uFFFD')
})

test('addresses have the field of their kind', () => {
  const cases = [
    [
      { client_ip: '192.0.2.1', host: 'a.example' },
      { src: '192.0.2.1', dhost: 'a.example' },
    ],
    [
      { client_ip: '::1', host: '192.0.2.9' },
      { c6a2: '::1', dst: '192.0.2.9', dhost: '192.0.2.9' },
    ],
    [
      { client_ip: 'unix', host: '2001:db8::1' },
      { shost: 'unix', c6a3: '2001:db8::1' },
    ],
  ] as const
  for (const [row, expected] of cases) {
    const { extension } = read('connections', row)
    for (const [key, value] of Object.entries(expected)) assert.equal(extension.get(key), value)
  }
})

test('sizes beyond 32 bits stay at the greatest that the field takes, and are exact beside it for connections', () => {
  assert.equal(read('exchanges', { request_bytes: 2 ** 40 }).extension.get('in'), '2147483647')
  const { extension } = read('connections', { bytes_down: 5_000_000_000 })
  assert.deepEqual([extension.get('out'), extension.get('cn2')], ['2147483647', '5000000000'])
})

test('long values end in an ellipsis at the length of their field, and never in half a character', () => {
  assert.equal(read('events', { who: 'é'.repeat(2_000) }).extension.get('suser'), `${'é'.repeat(1_022)}…`)
  assert.equal(read('events', { who: `a${'😀'.repeat(600)}` }).extension.get('suser'), `a${'😀'.repeat(510)}…`)
})

test('a strict reader reads back exactly what was written, whatever it was', () => {
  const places: readonly (readonly [ExportTable, string, string, number])[] = [
    ['exchanges', 'principal', 'suser', 1023],
    ['exchanges', 'path', 'request', 1023],
    ['exchanges', 'error', 'reason', 1023],
    ['exchanges', 'rule', 'cs1', 4000],
    ['exchanges', 'model', 'cs2', 4000],
    ['exchanges', 'finish_reason', 'flexString1', 1023],
    ['exchanges', 'door', 'SallyportDoor', 1023],
    ['connections', 'sni', 'cs1', 4000],
    ['connections', 'reason', 'reason', 1023],
    ['events', 'who', 'suser', 1023],
    ['events', 'subject', 'cs1', 4000],
    ['checkpoints', 'statement', 'cs1', 4000],
  ]
  for (const table of new Set(places.map(([of]) => of)))
    fc.assert(
      fc.property(hostileRow(table), ({ row }) => {
        const { extension } = read(table, row)
        for (const [of, column, key, max] of places)
          if (of === table) assert.equal(extension.get(key), expected(row[column], max), `${table}.${column}`)
      }),
      { numRuns: 150 },
    )
})

/** What a value is to become, written a second time: character by character. */
function expected(value: unknown, max: number): string | undefined {
  if (typeof value !== 'string') return undefined
  const characters: string[] = []
  const cut = value.length > max
  for (let i = 0; i < (cut ? max - 1 : value.length); i++) {
    const code = value.charCodeAt(i)
    const pair = code >= 0xd800 && code < 0xdc00 && (value.codePointAt(i) as number) > 0xffff
    if (pair && cut && i === max - 2) break
    if (pair) characters.push(value.slice(i, ++i + 1))
    // CR LF is one line break, and the LF makes it.
    else if (code === 0x0d && !(cut && i === max - 2) && value[i + 1] === '\n') continue
    else if (code === 0x0d || code === 0x0a) characters.push('\n')
    else if (code < 0x20) characters.push(String.fromCharCode(0x2400 + code))
    else if (code === 0x7f) characters.push('␡')
    else if (code >= 0xd800 && code < 0xe000) characters.push('\uFFFD')
    else if (code < 0xa0 && code > 0x7f) characters.push('\uFFFD')
    else if ([0x200e, 0x200f, 0x2028, 0x2029, 0xfeff].includes(code)) characters.push('\uFFFD')
    else if ((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)) characters.push('\uFFFD')
    else characters.push(value.charAt(i))
  }
  if (cut) characters.push('…')
  // Spaces around are lost; line breaks are not spaces.
  const space = (character: string | undefined): boolean =>
    character !== undefined && character !== '\n' && character.trim() === ''
  while (space(characters.at(-1))) characters.pop()
  while (space(characters[0])) characters.shift()
  return characters.join('') || undefined
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { reconcile } from '../../../src/audit/reconcile/reconcile.ts'
import type { Mismatch, ReconcileOptions } from '../../../src/audit/reconcile/reconcile.ts'
import { databasePath } from '../../../src/store/open.ts'
import { writtenLedger } from '../../support/written-ledger.ts'
import type { Columns } from '../../support/written-ledger.ts'

const host = 'api.openai.com'
const jtiOf = (number: number): string => `${number}`.padStart(22, 'j')
const sent = (number: number, more: Columns = {}, device = 'laptop-7', policy = 'p1'): Columns => ({
  attestation: JSON.stringify({ outcome: 'signed', device, jti: jtiOf(number), policy, audience: 'egress-1' }),
  host,
  port: 443,
  ...more,
})
const came = (number: number, outcome = 'valid', more: Columns = {}, device = 'laptop-7', policy = 'p1'): Columns => ({
  attestation: JSON.stringify({ outcome, form: 'jws', device, jti: jtiOf(number), policy, version: '1' }),
  host,
  port: 443,
  ...more,
})

/** An endpoint's exchanges and connections, and a proxy's connections. */
function scene(rows: { exchanges?: Columns[]; connections?: Columns[]; proxy?: Columns[] }) {
  const [endpoint, proxy] = [writtenLedger(), writtenLedger()]
  if (rows.exchanges !== undefined) endpoint.exchanges(...rows.exchanges)
  if (rows.connections !== undefined) endpoint.connections(...rows.connections)
  if (rows.proxy !== undefined) proxy.connections(...rows.proxy)
  const compare = (options?: ReconcileOptions, turned = false) => {
    const paths = [databasePath(endpoint.dir), databasePath(proxy.dir)] as const
    const found = turned ? reconcile(paths[1], paths[0], options) : reconcile(...paths, options)
    const { sides, both, count } = found
    const mismatches = [...found.mismatches()]
    found.close()
    return { sides, both, count, mismatches, told: mismatches.map(told) }
  }
  endpoint.close()
  proxy.close()
  return compare
}

const told = ({ what, ledger, jti, detail }: Mismatch): unknown[] => [
  what,
  ledger,
  Number(jti.replace(/^j+/, '')),
  detail,
]

test('what both tell of is no mismatch, however many exchanges went over a connection and whichever ledger is named first', () => {
  const compare = scene({
    exchanges: [sent(1), sent(1), sent(2)],
    connections: [sent(3)],
    proxy: [came(1), came(2, 'reinspected'), came(3)],
  })
  for (const turned of [false, true]) {
    const { sides, both, told: mismatches } = compare({}, turned)
    assert.deepEqual(mismatches, [])
    assert.deepEqual(both, { valid: 2, reinspected: 1 })
    assert.equal(sides[turned ? 'B' : 'A'].sent, 3)
    assert.equal(sides[turned ? 'A' : 'B'].received, 3)
  }
})

test('what only one of them tells of is named, with the row that does', () => {
  const compare = scene({
    exchanges: [sent(1), sent(2)],
    proxy: [came(1), came(9, 'bad_signature', { host: 'evil.test' })],
  })
  const { told: mismatches, mismatches: rows, count } = compare()
  assert.deepEqual(mismatches.toSorted(byText), [
    ['only-received', 'B', 9, null],
    ['only-sent', 'A', 2, null],
  ])
  assert.deepEqual(count, { 'only-sent': 1, 'only-received': 1, failed: 0, differs: 0, replayed: 0 })
  const [forged] = rows.filter(({ ledger }) => ledger === 'B')
  assert.deepEqual([forged?.outcome, forged?.host, forged?.table], ['bad_signature', 'evil.test', 'connections'])
  assert.match(forged?.id ?? '', /^01900000-/)
})

test('tokens of devices that the other ledger is not of are none of its business, unless they are asked for', () => {
  const compare = scene({ exchanges: [sent(1)], proxy: [came(1), came(2, 'valid', {}, 'laptop-8')] })
  assert.deepEqual(compare().told, [])
  assert.deepEqual(compare({ device: 'laptop-8' }).told, [['only-received', 'B', 2, null]])
  const nothing = scene({ exchanges: [{}], proxy: [came(1), came(2, 'valid', {}, 'laptop-8')] })
  assert.equal(nothing().count['only-received'], 2, 'a ledger that tells of no token has to explain all')
})

test('a CONNECT that failed needs no counterpart', () => {
  const failed = { handling: 'failed', error: 'parent_proxy_failed' }
  const compare = scene({ connections: [sent(1, failed), sent(2, { error: 'ECONNRESET' })] })
  assert.deepEqual(compare().told, [
    ['failed', 'A', 1, null],
    ['only-sent', 'A', 2, null],
  ])
})

test('what the two tell differently is named', () => {
  const compare = scene({
    exchanges: [sent(1), sent(2), sent(3)],
    proxy: [
      came(1, 'valid', { host: 'other.test' }),
      came(2, 'valid', {}, 'laptop-7', 'p2'),
      came(3, 'valid', { port: 8443 }),
    ],
  })
  assert.deepEqual(compare().told, [
    ['differs', 'B', 1, `${host}:443`],
    ['differs', 'B', 2, 'policy p1'],
    ['differs', 'B', 3, `${host}:443`],
  ])
})

test('a token that came again is named, whichever of its rows was written first', () => {
  for (const proxy of [
    [came(1), came(1, 'replayed'), came(1, 'replayed')],
    [came(1, 'replayed'), came(1, 'replayed'), came(1)],
  ]) {
    const { told: mismatches, both } = scene({ exchanges: [sent(1)], proxy })()
    assert.deepEqual(mismatches, [['replayed', 'B', 1, '2 times']])
    assert.deepEqual(both, { valid: 1 })
  }
})

test('a window leaves out what happened outside of it, but not the counterpart of what did not', () => {
  const early = '2026-01-01T00:00:00.000Z'
  const late = '2026-03-01T00:00:00.000Z'
  const compare = scene({
    exchanges: [sent(1, { at: late }), sent(2, { at: early }), sent(3, { at: late })],
    proxy: [came(1, 'valid', { at: early }), came(4, 'valid', { at: early })],
  })
  assert.deepEqual(compare({ since: '2026-02-01T00:00:00.000Z' }).told, [['only-sent', 'A', 3, null]])
  assert.deepEqual(compare({ until: '2026-02-01T00:00:00.000Z' }).told.toSorted(byText), [
    ['only-received', 'B', 4, null],
    ['only-sent', 'A', 2, null],
  ])
})

test('two that sign for each other are compared both ways', () => {
  const [one, other] = [writtenLedger(), writtenLedger()]
  one.connections(sent(1, {}, 'one'), came(2, 'valid', {}, 'other'))
  other.connections(sent(2, {}, 'other'), came(1, 'valid', {}, 'one'), sent(3, {}, 'other'))
  const found = reconcile(databasePath(one.dir), databasePath(other.dir))
  assert.deepEqual([...found.mismatches()].map(told), [['only-sent', 'B', 3, null]])
  found.close()
  one.close()
  other.close()
})

test('it finds what a set difference finds', () => {
  const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 30 }))
  fc.assert(
    fc.property(numbers, numbers, (ours, theirs) => {
      const compare = scene({ exchanges: ours.map((one) => sent(one)), proxy: theirs.map((one) => came(one)) })
      const by = (what: string): number[] =>
        compare()
          .told.filter(([kind]) => kind === what)
          .map(([, , jti]) => jti as number)
          .toSorted((a, b) => a - b)
      const without = (some: number[], others: number[]): number[] =>
        some.filter((one) => !others.includes(one)).toSorted((a, b) => a - b)
      assert.deepEqual(by('only-sent'), without(ours, theirs))
      assert.deepEqual(by('only-received'), without(theirs, ours))
    }),
    { numRuns: 15 },
  )
})

test('a file that is no ledger is refused', () => {
  const ledger = writtenLedger()
  ledger.db.exec('CREATE VIEW more AS SELECT 1')
  const [path, none] = [databasePath(ledger.dir), '/nowhere/sallyport.db']
  ledger.close()
  const good = writtenLedger()
  good.close()
  assert.throws(() => reconcile(databasePath(good.dir), path), { code: 'ledger_corrupt' })
  assert.throws(() => reconcile(none, path), { code: 'ledger_unavailable' })
})

const byText = (a: readonly unknown[], b: readonly unknown[]): number => String(a).localeCompare(String(b))

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { outcomes } from '../../../src/attest/outcome.ts'
import { levelOf, severityOf, syslogSeverityOf, worstFinding } from '../../../src/audit/formats/severity.ts'
import type { LedgerRow } from '../../../src/audit/find/presented.ts'
import type { ExportTable } from '../../../src/audit/sinks/sink.ts'
import { eventKinds } from '../../../src/store/event-kinds.ts'

const severity = (table: ExportTable, row: LedgerRow): number => severityOf({ table, row, block: 1 })

test('an exchange matters as its decision and its worst finding say', () => {
  const found = (severity_: string, action: string) => ({ findings: [{ type: 'X', severity: severity_, action }] })
  const cases: readonly (readonly [LedgerRow, number])[] = [
    [{ decision: 'allow', state: 'done' }, 1],
    [{ decision: 'attested' }, 1],
    [{ decision: 'tokenize' }, 3],
    [{ decision: 'redact' }, 3],
    [{ decision: 'flag' }, 4],
    [{ decision: 'error' }, 4],
    [{ decision: 'block' }, 5],
    [{ decision: null, state: 'lost' }, 5],
    [{ decision: 'whatever' }, 3],
    [{ decision: 'tokenize', ...found('critical', 'tokenize') }, 7],
    [{ decision: 'block', ...found('critical', 'allow') }, 7],
    [{ decision: 'flag', ...found('critical', 'flag') }, 9],
    [{ decision: 'allow', ...found('high', 'allow') }, 7],
    [{ decision: 'redact', ...found('high', 'redact') }, 5],
    [{ decision: 'allow', ...found('info', 'allow') }, 1],
    [{ decision: 'allow', findings: 'not a list' }, 1],
    [{ decision: 'allow', attestation: { outcome: 'replayed' } }, 7],
  ]
  for (const [row, expected] of cases) assert.equal(severity('exchanges', row), expected, JSON.stringify(row))
})

test('an attestation that proves nothing matters, whatever is wrong with it', () => {
  const plain = new Set<string>(['valid', 'missing', 'reinspected'])
  for (const outcome of outcomes) {
    const expected = plain.has(outcome) ? [1] : [5, 7]
    assert.ok(expected.includes(severity('connections', { handling: 'inspect', attestation: { outcome } })), outcome)
  }
})

test('connections and checkpoints have theirs', () => {
  const cases = { inspect: 1, attested: 1, tunnel: 2, failed: 3, 'rejected-leaf': 4, deny: 5, unheard: 3 }
  for (const [handling, expected] of Object.entries(cases))
    assert.equal(severity('connections', { handling }), expected)
  assert.equal(severity('connections', { handling: 'inspect', attestation: { outcome: 'expired' } }), 5)
  assert.equal(severity('checkpoints', { reason: 'interval' }), 1)
})

test('each event has one, and an act that failed is never of little weight', () => {
  const cases = {
    'program.start': 3,
    'program.unclean': 5,
    'policy.reload': 5,
    'policy.refused': 7,
    'key.create': 6,
    'worker.died': 7,
    'ledger.gap': 9,
    'ledger.orphans': 3,
    'content.erase': 7,
    'retention.purge': 3,
    'export.gap': 8,
    'login.failed': 7,
    'kill-switch.on': 9,
    'not.known': 3,
  }
  for (const [what, expected] of Object.entries(cases)) assert.equal(severity('events', { what }), expected, what)
  for (const what of Object.keys(eventKinds)) assert.ok(severity('events', { what }) >= 3, what)
})

test('0 to 10 has five words, and each a number of syslog', () => {
  const levels = Array.from({ length: 11 }, (_, i) => levelOf(i))
  const expected = 'info info low low medium medium medium high high critical critical'
  assert.deepEqual(levels, expected.split(' '))
  assert.deepEqual([0, 2, 4, 7, 9].map(syslogSeverityOf), [6, 5, 4, 3, 2])
})

test('the worst finding is found, and one that does not say is medium', () => {
  assert.equal(worstFinding({ findings: [] }), undefined)
  assert.equal(worstFinding({ findings: [{ severity: 'low' }, { severity: 'high' }, {}] }), 'high')
  assert.equal(worstFinding({ findings: [{}] }), 'medium')
})

test('docs/export.md has the numbers of decisions, handlings and findings', () => {
  const docs = readFileSync(new URL('../../../docs/export.md', import.meta.url), 'utf8')
  for (const line of [
    `| exchange: \`allow\`, \`attested\` | ${severity('exchanges', { decision: 'allow' })} |`,
    `| exchange: \`flag\`, \`error\` | ${severity('exchanges', { decision: 'flag' })} |`,
    `| connection: \`deny\` | ${severity('connections', { handling: 'deny' })} |`,
    `| finding that was taken out or blocked: info, low, medium, high, critical | ${byFinding('redact')} |`,
    `| finding that went on: info, low, medium, high, critical | ${byFinding('flag')} |`,
  ])
    assert.ok(docs.includes(line), line)
})

function byFinding(action: string): string {
  const of = (level: string): number =>
    severity('exchanges', { decision: 'allow', findings: [{ severity: level, action }] })
  return ['info', 'low', 'medium', 'high', 'critical'].map(of).join(', ')
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conditionOf, type LedgerFilter, parseWhen, unfitFilters } from '../../../src/audit/find/filter.ts'
import { openStore } from '../../../src/store/open.ts'
import { tempFolder } from '../../support/temp.ts'

const now = Date.parse('2026-03-10T12:00:00.000Z')

test('times are ago, or ISO 8601', () => {
  const cases: Record<string, string | undefined> = {
    '7d': '2026-03-03T12:00:00.000Z',
    '24h': '2026-03-09T12:00:00.000Z',
    '30m': '2026-03-10T11:30:00.000Z',
    '45s': '2026-03-10T11:59:15.000Z',
    '2026-01-31': '2026-01-31T00:00:00.000Z',
    '2026-01-31T08:00': '2026-01-31T08:00:00.000Z',
    '2026-01-31 08:00:01': '2026-01-31T08:00:01.000Z',
    '2026-01-31T08:00:00.5Z': '2026-01-31T08:00:00.500Z',
    '2026-01-31T08:00:00+02:00': '2026-01-31T06:00:00.000Z',
    '2026-13-31': undefined,
    yesterday: undefined,
    '7w': undefined,
    '-7d': undefined,
    '999999999d': undefined,
    '': undefined,
  }
  for (const [text, time] of Object.entries(cases)) assert.equal(parseWhen(text, now), time, text)
})

const rows = [
  {
    id: 'a',
    at: '2026-01-01T00:00:00.000Z',
    host: 'api.openai.com',
    provider: 'openai',
    model: 'gpt-5.1',
    principal: 'ada',
  },
  {
    id: 'b',
    at: '2026-01-02T00:00:00.000Z',
    host: 'api.anthropic.com',
    provider: 'anthropic',
    model: 'claude-x',
    principal: null,
  },
  { id: 'c', at: '2026-01-03T00:00:00.000Z', host: 'openai.com', provider: 'openai', model: 'm[1]%', principal: 'bob' },
]

test('a filter finds what it says and nothing else', () => {
  const db = openStore({ dir: tempFolder(), durability: 'relaxed' })
  const insert = db.prepare(`INSERT INTO exchanges
    (id, at, door, host, port, method, path, state, provider, model, principal, decision, findings, request_body, response_spill)
    VALUES (:id, :at, 'proxy', :host, 443, 'GET', '/', 'done', :provider, :model, :principal, :decision, :findings, :body, :spill)`)
  const more = [
    { decision: 'allow', findings: '[{"type":"EMAIL"},{"type":"SECRET:aws"}]', body: 'Hello 100% World_', spill: null },
    { decision: 'block', findings: '[]', body: null, spill: null },
    { decision: 'redact', findings: null, body: 'nothing', spill: 'bodies/x' },
  ]
  rows.forEach((row, i) => insert.run({ ...row, ...more[i] }))
  const cases: [LedgerFilter, string][] = [
    [{}, 'abc'],
    [{ since: '2026-01-02T00:00:00.000Z' }, 'bc'],
    [{ until: '2026-01-02T00:00:00.000Z' }, 'a'],
    [{ host: 'api.openai.com' }, 'a'],
    [{ host: '*.OpenAI.com' }, 'a'],
    [{ host: '*openai.com' }, 'ac'],
    [{ host: 'api.*,openai.com' }, 'abc'],
    [{ provider: 'openai' }, 'ac'],
    [{ provider: 'open*' }, ''],
    [{ model: 'gpt-?.1' }, 'a'],
    [{ model: 'm[1]*' }, 'c'],
    [{ model: 'm[1-9]%' }, ''],
    [{ principal: 'ada,bob' }, 'ac'],
    [{ decision: 'block, redact' }, 'bc'],
    [{ finding: 'SECRET:*' }, 'a'],
    [{ finding: 'EMAIL' }, 'a'],
    [{ finding: 'EMAI' }, ''],
    [{ text: 'hello' }, 'ac'],
    [{ text: '100% w' }, 'ac'],
    [{ text: 'World_' }, 'ac'],
    [{ text: 'Hell_' }, 'c'],
    [{ provider: 'openai', decision: 'allow', since: '2026-01-01T00:00:00.000Z' }, 'a'],
    [{ host: `' OR 1 --` }, ''],
  ]
  for (const [filter, ids] of cases) {
    const { sql, values } = conditionOf('exchanges', filter)
    const found = db
      .prepare<unknown[], string>(`SELECT id FROM exchanges WHERE ${sql} ORDER BY id`)
      .pluck()
      .all(...values)
    assert.equal(found.join(''), ids, JSON.stringify(filter))
  }
  db.close()
})

test('a filter that means nothing for a table is named, and finds nothing', () => {
  assert.deepEqual(unfitFilters('connections', { host: 'a', model: 'b', since: undefined }), ['model'])
  assert.deepEqual(unfitFilters('events', { principal: 'ada', text: 'x', host: 'a' }), ['host'])
  assert.equal(conditionOf('connections', { model: 'b' }).sql, '(false)')
})

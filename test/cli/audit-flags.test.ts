import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filterOf, searchOf } from '../../src/cli/audit-flags.ts'
import { UsageError } from '../../src/cli/command.ts'

test('flags become a filter; what does not go with a table is wrong usage', () => {
  assert.equal(filterOf({ since: '2026-01-02' }).since, '2026-01-02T00:00:00.000Z')
  const { table, filter } = searchOf({ table: 'connections', host: 'a.example' })
  assert.deepEqual([table, filter.host], ['connections', 'a.example'])
  for (const flags of [{ table: 'rows' }, { table: 'connections', model: 'x' }, { table: 'events', since: 'soon' }]) {
    assert.throws(() => searchOf(flags), UsageError)
  }
})

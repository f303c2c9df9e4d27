import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { LedgerFilter, LedgerTable } from '../../../src/audit/find/filter.ts'
import { type Ledger, openLedger } from '../../../src/audit/find/ledger.ts'
import { startRecorder } from '../../../src/audit/recorder.ts'
import { openSpill } from '../../../src/audit/bodies/spill.ts'
import { connectionRow, doneRow, openRow } from '../../support/ledger-rows.ts'
import { tempFolder } from '../../support/temp.ts'

const secretless = '{"messages":[{"content":"the needle is here"}]}'

/** Five exchanges (the last with its answer in a file), a connection and an event. */
async function filled(): Promise<{ dir: string; ids: string[]; spill: string; ledger: Ledger }> {
  const dir = tempFolder('ledger')
  const recorder = startRecorder({ dir, durability: 'relaxed', inlineBytes: 65_536 })
  const opens = Array.from({ length: 5 }, (_, i) => openRow({ at: `2026-01-0${i + 1}T00:00:00.000Z` }))
  const writer = openSpill({ dir, id: opens[4]?.id ?? '', side: 'response', sync: false })
  await writer.write(Buffer.from('long '.repeat(100) + 'A Needle too'))
  const { file, sha256 } = await writer.finish()
  for (const [i, row] of opens.entries()) {
    await recorder.open(row)
    recorder.done(
      doneRow(row.id, {
        findings: '[{"type":"EMAIL"}]',
        ...(i === 1 ? { requestBody: secretless } : {}),
        ...(i === 4 ? { responseBody: null, responseSpill: file, responseSha256: sha256 } : {}),
      }),
    )
  }
  recorder.connection(connectionRow({ id: 'c0ffee' }))
  recorder.event({
    id: 'e0',
    at: '2026-01-01T00:00:00.000Z',
    who: 'ada',
    what: 'key.revoke',
    before: '{"a":1}',
    after: null,
  })
  await recorder.close()
  return { dir, ids: opens.map(({ id }) => id), spill: file, ledger: openLedger(dir) }
}

function found(
  ledger: Ledger,
  filter: LedgerFilter,
  limit?: number,
  table: LedgerTable = 'exchanges',
  before?: string,
): unknown[] {
  return [...ledger.find(table, filter, limit, before).rows()].map(({ id }) => id)
}

test('find gives the newest that fit, oldest first', async () => {
  const { ledger, ids } = await filled()
  assert.deepEqual(found(ledger, {}), ids)
  assert.deepEqual(found(ledger, {}, 2), ids.slice(3))
  assert.deepEqual(found(ledger, { until: '2026-01-03T00:00:00.000Z' }, 1), [ids[1]])
  assert.deepEqual(found(ledger, { decision: 'tunnel' }, 5, 'connections'), ['c0ffee'])
  assert.deepEqual(found(ledger, { principal: 'ada' }, 5, 'events'), ['e0'])
  ledger.close()
})

test('text is found inline and in files, whatever its case', async () => {
  const { ledger, ids, dir, spill } = await filled()
  const search = async (text: string) => {
    const { rows, unread, incomplete } = await ledger.search('exchanges', { text }, {})
    return { ids: [...rows()].map(({ id }) => id), unread, incomplete }
  }
  assert.deepEqual(await search('needle'), { ids: [ids[1], ids[4]], unread: 0, incomplete: false })
  assert.deepEqual((await search('a needle TOO')).ids, [ids[4]])
  assert.deepEqual((await search('haystack')).ids, [])
  rmSync(join(dir, spill))
  assert.deepEqual(await search('needle'), { ids: [ids[1]], unread: 1, incomplete: false })
  assert.throws(() => ledger.find('exchanges', { text: 'needle' }), /search/)
  ledger.close()
})

test('a page is what came before a row, also before one that is gone', async () => {
  const { ledger, ids } = await filled()
  const [, , third] = ids as [string, string, string]
  assert.deepEqual(found(ledger, {}, 2, 'exchanges', third), ids.slice(0, 2))
  assert.deepEqual(found(ledger, {}, 1, 'exchanges', third), [ids[1]])
  assert.deepEqual(found(ledger, {}, 9, 'exchanges', ids[0]), [])
  const gone = `${third.slice(0, -1)}${third.endsWith('0') ? '1' : '0'}`
  const expected = gone < third ? ids.slice(0, 2) : ids.slice(0, 3)
  assert.deepEqual(found(ledger, {}, 9, 'exchanges', gone), expected)
  assert.deepEqual(found(ledger, {}, 9, 'events', 'e0'), [])
  const { rows } = await ledger.search('exchanges', { text: 'needle' }, { before: ids[4]! })
  assert.deepEqual(
    [...rows()].map(({ id }) => id),
    [ids[1]],
  )
  ledger.close()
})

test('rows have their JSON parsed, and nothing that is only ours', async () => {
  const { ledger } = await filled()
  const [row] = ledger.find('exchanges', {}, 1).rows()
  assert.deepEqual(row?.findings, [{ type: 'EMAIL' }])
  assert.equal('seq' in (row ?? {}) || 'owner' in (row ?? {}), false)
  const [event] = ledger.find('events', {}).rows()
  assert.deepEqual([event?.before, event?.after], [{ a: 1 }, null])
  ledger.close()
})

test('show takes an id or the beginning of one, and reads bodies from their files', async () => {
  const { ledger, ids, dir, spill } = await filled()
  const last = ids[4] ?? ''
  const shown = await ledger.show(last)
  assert.ok(shown.kind === 'row' && shown.table === 'exchanges')
  assert.match(String(shown.row.response_body), /A Needle too$/)
  assert.equal(shown.row.request_body, '{"prompt":"ping"}')
  assert.partialDeepStrictEqual(await ledger.show('C0FF'), { kind: 'row', table: 'connections', row: { id: 'c0ffee' } })
  assert.equal((await ledger.show('zzz')).kind, 'none')
  assert.equal((await ledger.show('')).kind, 'several')
  assert.equal((await ledger.show(last.slice(0, 13))).kind, 'row')
  rmSync(join(dir, spill))
  assert.partialDeepStrictEqual(await ledger.show(last), {
    kind: 'row',
    unshown: [{ side: 'response', why: 'missing' }],
  })
  ledger.close()
})

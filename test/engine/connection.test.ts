import assert from 'node:assert/strict'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { recordConnection } from '../../src/engine/connection.ts'
import { databasePath } from '../../src/store/open.ts'
import { startEngine } from '../support/engine.ts'
import type { Row } from '../support/engine.ts'
import { connectionRow } from '../support/ledger-rows.ts'

const engine = startEngine()

test('a connection that has ended is recorded and counted', async () => {
  const rooms = await engine.rooms()
  const tunnelled = connectionRow({ handling: 'tunnel', bytesUp: 7 })
  recordConnection(rooms, 'proxy', tunnelled)
  recordConnection(rooms, 'gateway', connectionRow({ handling: 'failed', error: 'upstream_unreachable' }))
  await engine.recorder.flush()
  const db = new Database(databasePath(engine.dir), { readonly: true })
  const rows = db.prepare<[], Row>('SELECT * FROM connections ORDER BY seq').all()
  db.close()
  assert.partialDeepStrictEqual(rows, [
    { id: tunnelled.id, handling: 'tunnel', host: 'bank.example', bytes_up: 7 },
    { handling: 'failed', error: 'upstream_unreachable' },
  ])
  const metrics = await rooms.metrics.registry.metrics()
  for (const labels of ['door="proxy",handling="tunnel"', 'door="gateway",handling="failed"'])
    assert.ok(metrics.includes(`sallyport_connections_total{${labels}} 1\n`), labels)
})

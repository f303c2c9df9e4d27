import assert from 'node:assert/strict'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import { cursorsOf } from '../../../src/audit/export/cursors.ts'
import type { SetUp } from '../../../src/cli/doctor/check.ts'
import { sinksDeliver } from '../../../src/cli/doctor/sinks.ts'
import { configSchema } from '../../../src/config/schema.ts'
import { openStore } from '../../../src/store/open.ts'
import { tempFolder } from '../../support/temp.ts'

function setUp(dir: string, ...sinks: object[]): SetUp {
  const io = { stdin: Readable.from([]), stdout: new PassThrough(), stderr: new PassThrough(), env: {}, cwd: '/' }
  return { config: configSchema.parse({ data: { dir }, audit: { export: sinks } }), io }
}

const disk = { name: 'disk', type: 'file', path: '/nowhere/rows.jsonl' }

test('sinks that are well, none, or not begun are well', async () => {
  const dir = tempFolder('doctor-sinks')
  assert.equal((await sinksDeliver(setUp(dir))).message, 'none is configured')
  assert.equal((await sinksDeliver(setUp(dir, disk))).message, '1 configured')
  openStore({ dir, durability: 'relaxed' }).close()
  assert.equal((await sinksDeliver(setUp(dir, disk))).status, 'ok')
})

test('a sink that fails, or has dead letters, is told', async () => {
  const dir = tempFolder('doctor-sinks')
  const db = openStore({ dir, durability: 'relaxed' })
  const cursors = cursorsOf(db, Date.now)
  cursors.begin('disk')
  cursors.bury('disk', [{ table: 'events', row: 'a', block: 1, reason: 'no', attempts: 3 }])
  cursors.failed('disk', 1, 'the folder does not exist')
  db.close()
  const finding = await sinksDeliver(setUp(dir, disk))
  assert.deepEqual(
    [finding.status, finding.message],
    ['warn', 'disk fails: the folder does not exist; disk has 1 dead letters'],
  )
})

test('a sink whose files cannot be used fails', async () => {
  const dir = tempFolder('doctor-sinks')
  const ca = join(dir, 'none.pem')
  const sink = { name: 'log', type: 'syslog', address: 'tls://127.0.0.1:6514', ca }
  await assert.rejects(sinksDeliver(setUp(dir, sink)), { code: 'config_invalid' })
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { reportOf } from '../../src/app/report.ts'
import { startRecorder, type Recorder } from '../../src/audit/recorder.ts'
import { newConnectionId } from '../../src/core/ids.ts'
import { tempFolder } from '../support/temp.ts'

const dir = tempFolder('report')
let recorder: Recorder

before(() => {
  recorder = startRecorder({ dir, durability: 'relaxed', inlineBytes: 1_000 })
})
after(() => recorder.close())

const connection = (host: string, handling: 'tunnel' | 'deny' | 'inspect', at: number) => ({
  id: newConnectionId(at),
  at: new Date(at).toISOString(),
  clientIp: '127.0.0.1',
  principal: null,
  host,
  port: 443,
  sni: null,
  alpn: null,
  handling,
  reason: 'because',
  bytesUp: 1,
  bytesDown: 2,
  durationMs: 3,
  error: null,
})

test('a report counts what was seen since its beginning, and names what was not inspected', async () => {
  recorder.connection(connection('early.test', 'tunnel', 1_000))
  recorder.connection(connection('seen.test', 'inspect', 5_000))
  recorder.connection(connection('passed.test', 'tunnel', 6_000))
  recorder.connection(connection('denied.test', 'deny', 7_000))
  await recorder.flush()
  const lines = reportOf(dir, new Date(4_000).toISOString(), recorder.owner)
  assert.equal(lines[0], 'sallyport: 0 exchanges inspected, 2 connections not inspected')
  assert.deepEqual(lines.slice(1), ['  tunnel  passed.test:443  because', '  deny  denied.test:443  because'])
  assert.deepEqual(reportOf(dir, new Date(9_000).toISOString(), undefined), [
    'sallyport: 0 exchanges inspected, 0 connections not inspected',
  ])
})

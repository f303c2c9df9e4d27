import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { newConnectionId } from '../../src/core/ids.ts'
import type { ConnectionRow } from '../../src/engine/connection.ts'
import { connectionRecord } from '../../src/proxy/context.ts'
import type { Connection } from '../../src/proxy/context.ts'
import { stamps } from '../../src/upstream/stamps.ts'

function connection(): Connection {
  const at = new Date('2026-01-02T03:04:05.006Z')
  return {
    id: newConnectionId(at.getTime()),
    at,
    startedAt: performance.now(),
    clientIp: '127.0.0.1',
    socket: new Socket(),
    tunnel: null,
    exchanges: 0,
  } as Connection
}

test('a row grows and is written once', () => {
  const rows: ConnectionRow[] = []
  const record = connectionRecord(connection(), (row) => rows.push(row))
  record.set({ host: 'a', port: 443, handling: 'tunnel' })
  record.set({ reason: 'why', bytesUp: 7 })
  record.end()
  record.set({ reason: 'too late' })
  record.end()
  assert.equal(rows.length, 1)
  assert.partialDeepStrictEqual(rows[0], {
    at: '2026-01-02T03:04:05.006Z',
    host: 'a',
    port: 443,
    handling: 'tunnel',
    reason: 'why',
    bytesUp: 7,
    clientIp: '127.0.0.1',
    error: null,
  })
  assert.ok((rows[0]?.durationMs ?? -1) >= 0)
})

test('what nobody said anything of has failed', () => {
  const rows: ConnectionRow[] = []
  connectionRecord(connection(), (row) => rows.push(row)).end()
  assert.equal(rows[0]?.handling, 'failed')
})

test('a row tells of what came with the connection, and of the stamp with which it went on', () => {
  const rows: ConnectionRow[] = []
  let untold = 0
  const { make } = stamps(() => (untold += 1))
  const stamp = make({ host: 'a', port: 443, attestation: '{"outcome":"signed","jti":"b"}' })
  const record = connectionRecord(connection(), (row) => rows.push(row))
  record.set({ attestation: '{"outcome":"valid","jti":"a"}' })
  record.carried(undefined)
  record.carried(stamp)
  stamp.ended()
  assert.equal(untold, 0)
  record.end()
  assert.deepEqual(JSON.parse(rows[0]?.attestation ?? ''), {
    outcome: 'valid',
    jti: 'a',
    signed: { outcome: 'signed', jti: 'b' },
  })
  assert.equal(untold, 0)
})

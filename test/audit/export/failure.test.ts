import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureOf } from '../../../src/audit/export/failure.ts'
import { SinkError } from '../../../src/audit/sinks/sink.ts'

const coded = (code: string): Error => Object.assign(new Error('inner'), { code })

test('failures are told apart by what caused them', () => {
  const cases: [unknown, string][] = [
    [new SinkError('503'), 'receiver'],
    [new SinkError('x', { cause: coded('ECONNREFUSED') }), 'unreachable'],
    [new SinkError('x', { cause: coded('ENOTFOUND') }), 'unreachable'],
    [new SinkError('x', { cause: coded('EAI_AGAIN') }), 'unreachable'],
    [new SinkError('x', { cause: new Error('y', { cause: coded('ENOSPC') }) }), 'unreachable'],
    [new SinkError('x', { cause: coded('DEPTH_ZERO_SELF_SIGNED_CERT') }), 'tls'],
    [new SinkError('x', { cause: coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE') }), 'tls'],
    [new SinkError('x', { cause: coded('ERR_TLS_CERT_ALTNAME_INVALID') }), 'tls'],
    [new SinkError('x', { cause: coded('UND_ERR_HEADERS_TIMEOUT') }), 'timeout'],
    [AbortSignal.abort(new DOMException('late', 'TimeoutError')).reason, 'timeout'],
    [coded('SQLITE_BUSY'), 'ledger'],
    [new TypeError('oops'), 'fault'],
    ['odd', 'fault'],
  ]
  for (const [thrown, expected] of cases) assert.equal(failureOf(thrown).class, expected, String(thrown))
  assert.equal(failureOf(new SinkError('503 from the receiver')).reason, '503 from the receiver')
})

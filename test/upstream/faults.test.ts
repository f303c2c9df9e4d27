import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '../../src/core/errors.ts'
import { upstreamFault } from '../../src/upstream/faults.ts'

const faults: [code: string, ours: string][] = [
  ['ETIMEDOUT', 'upstream_timeout'],
  ['ECONNREFUSED', 'upstream_unreachable'],
  ['EHOSTUNREACH', 'upstream_unreachable'],
  ['ECONNRESET', 'upstream_closed'],
  ['EPIPE', 'upstream_closed'],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'upstream_tls_failed'],
  ['ERR_HTTP2_STREAM_ERROR', 'upstream_closed'],
  ['ESOMETHING', 'upstream_closed'],
]
for (const [code, ours] of faults) {
  test(`${code} is ${ours}`, () => assert.equal(upstreamFault(Object.assign(new Error('x'), { code })).code, ours))
}

test('our own faults stay what they are, also as a cause', () => {
  const own = new SallyportError('address_not_allowed', 'no')
  assert.equal(upstreamFault(own), own)
  assert.equal(upstreamFault(new Error('wrapped', { cause: own })), own)
})

test('an alert that comes after the handshake is told by its name', () => {
  const alert = Object.assign(new Error('x:SSL alert number 116:'), {
    code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  })
  assert.match(upstreamFault(alert).message, /alert certificate required$/)
  const other = Object.assign(new Error('x'), { code: 'ERR_SSL_BAD_RECORD_TYPE' })
  assert.match(upstreamFault(other).message, /ERR_SSL_BAD_RECORD_TYPE$/)
})

test('the cause is kept', () => {
  const cause = Object.assign(new Error('read'), { code: 'ECONNRESET' })
  assert.equal(upstreamFault(cause).cause, cause)
})

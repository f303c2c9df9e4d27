import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCodes, SallyportError, type ErrorCode } from '../../src/core/errors.ts'
import { headerOf } from '../../src/core/http.ts'
import { grpcRefusal, isGrpc } from '../../src/engine/grpc-refusal.ts'

const call = ['Content-Type', 'application/grpc+proto']

const media: [type: string, is: boolean][] = [
  ['application/grpc', true],
  ['application/grpc+proto', true],
  ['Application/GRPC; a=b', true],
  ['application/grpc-web-text+proto', true],
  ['application/grpcs', false],
  ['application/json', false],
  ['', false],
]

for (const [type, is] of media) {
  test(`${type || 'no type'} is ${is ? '' : 'not '}gRPC`, () => assert.equal(isGrpc(['content-type', type]), is))
}

const statuses: [code: ErrorCode, status: number][] = [
  ['sallyport_blocked', 7],
  ['hook_failed', 7],
  ['policy_denied', 7],
  ['loop_detected', 7],
  ['sallyport_too_large', 8],
  ['upstream_timeout', 4],
  ['request_timeout', 4],
  ['upstream_unreachable', 14],
  ['upstream_closed', 14],
  ['ledger_unavailable', 14],
  ['overloaded', 14],
  ['shutting_down', 14],
  ['malformed_request', 3],
  ['unreadable_body', 3],
  ['internal_error', 13],
  ['proxy_auth_required', 16],
  ['client_certificate_required', 16],
]

for (const [code, status] of statuses) {
  test(`${code} is status ${status} of gRPC`, () => {
    const { head, body } = grpcRefusal(new SallyportError(code, 'm'), 'm', call, ['sallyport-error', code])
    assert.deepEqual([head.status, headerOf(head.headers, 'grpc-status'), body], [200, String(status), null])
    assert.equal(headerOf(head.headers, 'sallyport-error'), code)
    assert.equal(headerOf(head.headers, 'content-type'), 'application/grpc+proto')
  })
}

test('no code is told as a success', () => {
  for (const code of Object.keys(errorCodes) as ErrorCode[]) {
    const { head } = grpcRefusal(new SallyportError(code, 'm'), 'm', call, [])
    assert.ok(Number(headerOf(head.headers, 'grpc-status')) > 0, code)
  }
})

test('a message is written as gRPC writes it', () => {
  const { head } = grpcRefusal(new SallyportError('internal_error', ''), 'naïve\r\n 100 %', call, [])
  assert.equal(headerOf(head.headers, 'grpc-message'), 'na%C3%AFve%0D%0A 100 %25')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultInStream } from '../../src/http/stream-request.ts'
import type { StreamLine } from '../../src/http/stream-request.ts'

const line: StreamLine = { method: 'GET', target: '/a?b', scheme: 'https', authority: 'a.test' }
const how = { secure: true, headerBytes: 1_000 }

const cases: readonly (readonly [
  what: string,
  line: Partial<StreamLine>,
  fields: readonly string[],
  code: string | undefined,
])[] = [
  ['a usual request', {}, ['x', '1'], undefined],
  ['OPTIONS *', { method: 'OPTIONS', target: '*' }, [], undefined],
  ['the same host in another spelling', {}, ['host', 'A.test:443'], undefined],
  ['a Host alone', { authority: undefined }, ['host', 'a.test'], undefined],
  ['no authority at all', { authority: undefined }, [], 'malformed_request'],
  ['another Host', {}, ['host', 'b.test'], 'malformed_request'],
  ['another port in Host', {}, ['host', 'a.test:80'], 'malformed_request'],
  ['no path', { target: '' }, [], 'malformed_request'],
  ['the scheme of plain HTTP', { scheme: 'http' }, [], 'malformed_request'],
  ['two Content-Type', {}, ['content-type', 'a/b', 'content-type', 'c/d'], 'malformed_request'],
  ['a header section that is too large', {}, ['x', 'y'.repeat(1_000)], 'headers_too_large'],
  ['a target that is too long', { target: `/${'y'.repeat(1_000)}` }, [], 'uri_too_long'],
]

for (const [what, changed, fields, code] of cases) {
  test(`${what}: ${code ?? 'no fault'}`, () => {
    assert.equal(faultInStream({ ...line, ...changed }, fields, how)?.code, code)
  })
}

test('without TLS the scheme is http', () => {
  assert.equal(faultInStream({ ...line, scheme: 'http' }, [], { ...how, secure: false }), undefined)
})

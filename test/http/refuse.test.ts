import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalOf, refusalText } from '../../src/http/refuse.ts'

const failed = (code: string, raw = ''): Error & { code: string; rawPacket: Buffer } =>
  Object.assign(new Error(`Parse Error: ${code}`), { code, rawPacket: Buffer.from(raw) })

test('the request line is known when there was one', () => {
  assert.deepEqual(refusalOf(failed('HPE_INVALID_HEADER_TOKEN', 'POST /v1/x HTTP/1.1\r\nA : b\r\n')).request, {
    method: 'POST',
    target: '/v1/x',
  })
  assert.equal(refusalOf(failed('HPE_INVALID_METHOD', '\x16\x03\x01')).request, undefined)
})

test('it is the line of the request that failed, not of one before it in the packet', () => {
  const first = 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n'
  const at = (text: string, bytesParsed: number) =>
    refusalOf(Object.assign(failed('HPE_INVALID_HEADER_TOKEN', text), { bytesParsed })).request?.target
  const second = 'GET /2 HTTP/1.1\r\nA : b\r\n\r\n'
  assert.equal(at(`${first}${second}`, first.length + 18), '/2')
  assert.equal(at(`${first}nonsense\r\n\r\n`, first.length), undefined)
  assert.equal(at(`\r\n${second}`, 20), '/2')
  for (let cut = 0; cut <= first.length; cut += 1) at(first.slice(0, cut), cut)
})

const codes: [string, string, string][] = [
  ['HPE_HEADER_OVERFLOW', '', 'headers_too_large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', '', 'request_timeout'],
  ['HPE_INVALID_VERSION', 'GET / HTTP/9.9\r\n', 'unsupported_version'],
  ['HPE_INVALID_METHOD', 'GETT', 'malformed_request'],
  ['HPE_INVALID_CONTENT_LENGTH', '', 'malformed_request'],
]
for (const [code, raw, ours] of codes) {
  test(`${code} is answered as ${ours}`, () => assert.equal(refusalOf(failed(code, raw)).fault.code, ours))
}

test('a refusal is a whole answer with a code, and closes', () => {
  const text = refusalText({ code: 'headers_too_large', message: 'too large' })
  assert.match(text, /^HTTP\/1\.1 431 Request Header Fields Too Large\r\nsallyport-error: headers_too_large\r\n/)
  assert.match(text, /content-length: 10\r\nconnection: close\r\n\r\ntoo large\n$/)
})
